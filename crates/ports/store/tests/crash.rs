//! A process that is killed while it commits: what it acknowledged is there, and the log is whole.

#![cfg(unix)]
#![allow(
    clippy::print_stdout,
    reason = "the child tells its parent what was acknowledged"
)]

#[path = "conformance/make.rs"]
mod make;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use make::{change, delete, put, put_claiming};
use nave_store::Store;

const FOLDER: &str = "NAVE_TEST_CRASH_FOLDER";
const CHILD: &str = "the_child_that_is_killed";
const KILLS: usize = 3;
const ACKNOWLEDGED: usize = 150;

/// Commits from many tasks without end; says `{revision} {key}` when a commit is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test below"]
async fn the_child_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = Store::open_in(folder.as_ref()).await.expect("store");
    let tasks = (0..8).map(|task| {
        let store = store.clone();
        async move {
            for n in 0.. {
                let key = format!("/{}/{task}/{n}", std::process::id());
                let passing = format!("/passing/{task}");
                let writes = vec![
                    put_claiming(&key, "1", &[&key]),
                    if n % 2 == 0 {
                        put(&passing, "1")
                    } else {
                        delete(&passing)
                    },
                ];
                let done = store.commit(change(writes)).await.expect("commit");
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {} {key}", done.revision)
                    .and_then(|()| out.flush())
                    .expect("a parent");
            }
        }
    });
    futures::future::join_all(tasks).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill() {
    let folder = tempfile::tempdir().expect("folder");
    for _ in 0..KILLS {
        let acknowledged = kill_after(ACKNOWLEDGED, folder.path());
        let store = Store::open_in(folder.path()).await.expect("store");
        for (revision, key) in &acknowledged {
            let row = store
                .get(key)
                .await
                .expect("get")
                .unwrap_or_else(|| panic!("{key} was acknowledged"));
            assert_eq!(row.valid_from, *revision, "{key}");
        }
        let last = acknowledged
            .iter()
            .map(|(revision, _)| *revision)
            .max()
            .expect("some");
        assert!(store.verify().await.expect("the log is whole").head >= last);
        store.close().await;
    }
}

fn kill_after(lines: usize, folder: &std::path::Path) -> Vec<(i64, String)> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("child");
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("pipe")).lines() {
        // a line that the kill cut short was not told
        let Some((revision, key)) = line.as_deref().ok().and_then(told) else {
            continue;
        };
        acknowledged.push((revision, key.to_owned()));
        if acknowledged.len() == lines {
            child.kill().expect("kill");
        }
    }
    child.wait().expect("the child's end");
    assert!(acknowledged.len() >= lines, "the child ended by itself");
    acknowledged
}

fn told(line: &str) -> Option<(i64, &str)> {
    let (_, told) = line.split_once("acknowledged ")?;
    let (revision, key) = told.split_once(' ')?;
    Some((revision.parse().ok()?, key))
}
