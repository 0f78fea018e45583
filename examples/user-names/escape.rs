//! Makes user parts of JIDs from the names that a web application has for its users.

use std::fmt::Write;

/// Returns the user part of the JID for a name, say an e-mail address (XEP-0106), or what is wrong
/// with the name.
pub fn escape_name(name: &str) -> Result<String, &'static str> {
    const CODES: [&str; 10] = ["20", "22", "26", "27", "2f", "3a", "3c", "3e", "40", "5c"];
    if name.is_empty() || name.starts_with(' ') || name.ends_with(' ') {
        return Err("the name is empty, or begins or ends with a space");
    }
    if name
        .contains(|character: char| character.is_ascii_uppercase() || character.is_ascii_control())
    {
        return Err("the name has a capital letter or a control character: lower-case it");
    }
    let mut user = String::new();
    let mut rest = name.chars();
    while let Some(character) = rest.next() {
        let is_code = || CODES.iter().any(|code| rest.as_str().starts_with(code));
        if " \"&'/:<>@".contains(character) || character == '\\' && is_code() {
            write!(user, "\\{:02x}", u32::from(character)).expect("a String takes all");
        } else {
            user.push(character);
        }
    }
    Ok(user)
}

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let result = match arguments.as_slice() {
        [name] => name.to_str().ok_or("the name is not UTF-8").and_then(escape_name),
        _ => Err("usage: escape NAME"),
    };
    match result {
        Ok(user) => println!("{user}"),
        Err(error) => {
            eprintln!("escape: {error}");
            std::process::exit(2);
        }
    }
}
