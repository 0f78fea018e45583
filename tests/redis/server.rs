//! A Redis of the test's own: on a free port of loopback, nothing saved, gone afterwards.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) struct Server {
    pub(crate) port: u16,
    /// Where a replica, or a test, has it save what it will load again.
    folder: PathBuf,
    /// Only a Sentinel needs one.
    configuration: Option<PathBuf>,
    options: Vec<String>,
    environment: Vec<(&'static str, PathBuf)>,
    process: Option<Child>,
}

impl Server {
    /// `options` are those of redis-server's command line.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_with(None, options, Vec::new())
    }

    pub(crate) fn start_with(
        configuration: Option<PathBuf>,
        options: &[&str],
        environment: Vec<(&'static str, PathBuf)>,
    ) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let folder =
            std::env::temp_dir().join(format!("xtoken-redis-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut server = Self { port, folder, configuration, options, environment, process: None };
        server.start_again();
        server
    }

    pub(crate) fn start_again(&mut self) {
        let process = Command::new("redis-server")
            .args(&self.configuration)
            .args(["--bind", "127.0.0.1", "--save", "", "--port"])
            .arg(self.port.to_string())
            .arg("--dir")
            .arg(&self.folder)
            .args(&self.options)
            .envs(self.environment.clone())
            .stdout(Stdio::null())
            .spawn();
        self.process =
            Some(process.expect("redis-server is missing: apt-get install redis-server"));
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "redis-server did not come up");
            sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// `SIGSTOP` and `SIGCONT`: the way it is when a machine is too busy to answer.
    #[allow(dead_code, unsafe_code, reason = "the benchmark shares this file")]
    pub(crate) fn signal(&self, signal: libc::c_int) {
        let id = self.process.as_ref().unwrap().id().try_into().unwrap();
        // SAFETY: the process is a child that was not waited for, so the number is still its.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    #[allow(dead_code, reason = "the benchmark shares this file")]
    pub(crate) fn client(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Sets the horizon as docs/ledgers.md says: no token was accepted before. Otherwise those of
    /// the last minutes are refused.
    #[allow(dead_code, reason = "the benchmark shares this file")]
    pub(crate) fn has_been_there(&self) -> &Self {
        self.has_been_there_with(0, "xtoken:")
    }

    pub(crate) fn has_been_there_with(&self, database: u8, prefix: &str) -> &Self {
        let mut client = redis::Client::open(format!("{}/{database}", self.url())).unwrap();
        let info: String = redis::cmd("INFO").query(&mut client).unwrap();
        let field = |name| info.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let horizon = format!("{}:{} 0", field("run_id:"), field("master_replid:"));
        let key = format!("{prefix}horizon");
        redis::cmd("SET").arg(key).arg(horizon).exec(&mut client).unwrap();
        self
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
