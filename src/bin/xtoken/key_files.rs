//! `generate-key --files DIR`: a new key in two files, which a server or an application reads.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::new_file::{self, Place};

const PLACE: Place = Place { option: "--files", kind: "folder" };
/// The mode of the files: their owner may write them, their group may read them.
const MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// Writes `otp_seed` and `token_secret` into the folder, which is made if it does not exist.
///
/// Replaces no file. If it fails, removes what it has made. Returns the paths.
pub(crate) fn write(
    folder: &Path,
    otp_seed: &str,
    token_secret: &str,
) -> Result<[PathBuf; 2], Failure> {
    let is_new = !folder.is_dir();
    if is_new {
        fs::create_dir(folder)
            .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)))
            .map_err(|error| new_file::failure(folder, &error, &PLACE))?;
    }
    write_both(folder, otp_seed, token_secret).inspect_err(|_| {
        if is_new {
            // If it cannot be removed, the first error says more.
            let _ = fs::remove_dir(folder);
        }
    })
}

fn write_both(folder: &Path, otp_seed: &str, token_secret: &str) -> Result<[PathBuf; 2], Failure> {
    let [seed_path, secret_path] = ["otp_seed", "token_secret"].map(|name| folder.join(name));
    let write = |path: &Path, value: &str| {
        new_file::write(path, MODE, &Zeroizing::new(format!("{value}\n")), &PLACE)
    };
    write(&seed_path, otp_seed)?;
    write(&secret_path, token_secret).inspect_err(|_| {
        // Made by this call. If it cannot be removed, the first error says more.
        let _ = fs::remove_file(&seed_path);
    })?;
    Ok([seed_path, secret_path])
}
