//! Running `nave`.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use reqwest::{Certificate, Client};
use serde_json::Value;

/// A command line, to its end.
pub(crate) fn nave(arguments: &[&str], input: &str) -> Output {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Programs that read nothing may be gone before it is all written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A command line whose output nobody listens to any more, to its end.
pub(crate) fn unheard(arguments: &[&str], input: &str) -> ExitStatus {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nave"));
    command
        .args(arguments)
        .env_remove("NAVE_DATA")
        .env_remove("NAVE_LOG");
    command
}

/// A port nobody listens at.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A server that said that it is up.
pub(crate) struct Running {
    child: Child,
    /// What it printed, by the word at the beginning of the line.
    printed: Vec<String>,
    pub(crate) origin: String,
    pub(crate) client: Client,
}

impl Running {
    /// Starts one on a data directory and waits until it says that it is up.
    pub(crate) fn start(data: &Path, port: u16, more: &[&str]) -> Self {
        let (data_text, listen) = (data.to_str().unwrap(), format!("127.0.0.1:{port}"));
        let arguments = [&["up", "--data", data_text, "--listen", &listen], more].concat();
        let mut child = command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut printed = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let is_last = line.starts_with("Ctrl-C ends it");
            printed.push(line);
            if is_last {
                break;
            }
        }
        let root = Certificate::from_pem(&std::fs::read(data.join("tls/ca.pem")).unwrap()).unwrap();
        let client = Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .build()
            .unwrap();
        Self {
            child,
            printed,
            origin: format!("https://localhost:{port}"),
            client,
        }
    }

    /// What it printed.
    pub(crate) fn text(&self) -> String {
        self.printed.join("\n")
    }

    /// The value it printed behind a word.
    pub(crate) fn said(&self, word: &str) -> String {
        let mut lines = self.printed.iter().map(|line| line.split_whitespace());
        lines
            .find_map(|mut words| (words.next() == Some(word)).then(|| words.next().unwrap().to_owned()))
            .unwrap()
    }

    /// A token for the administrator.
    pub(crate) async fn token(&self, password: &str) -> String {
        let form = [
            ("grant_type", "password"),
            ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
            ("username", &self.said("administrator")),
            ("password", password),
            ("scope", &format!("{}/.default", self.origin)),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", self.origin, self.said("tenant"));
        let answer: Value = self
            .client
            .post(url)
            .form(&form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal and waits for its end.
    pub(crate) fn end(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves nothing running; one that did not has seen the end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
