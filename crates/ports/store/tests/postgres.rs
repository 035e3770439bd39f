//! The conformance suite on PostgreSQL, each test in a schema of its own, where `NAVE_TEST_POSTGRES` names a database
//! (`postgres://user:password@host/database`).

#![allow(clippy::print_stderr, reason = "a test that does not run says so")]

mod conformance;

use conformance::Place;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

async fn fresh(name: &str) -> Option<Place> {
    let Ok(url) = std::env::var("NAVE_TEST_POSTGRES") else {
        eprintln!("not run: NAVE_TEST_POSTGRES does not name a PostgreSQL database");
        return None;
    };
    sqlx::any::install_default_drivers();
    let mut database = AnyConnection::connect(&url)
        .await
        .expect("the database NAVE_TEST_POSTGRES names");
    for sql in [
        format!("DROP SCHEMA IF EXISTS {name} CASCADE"),
        format!("CREATE SCHEMA {name}"),
    ] {
        database
            .execute(AssertSqlSafe(sql))
            .await
            .expect("a schema for the test");
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    Some(Place {
        url: format!("{url}{joint}options[search_path]={name}"),
        _keep: None,
    })
}

conformance::every_case!(fresh);
