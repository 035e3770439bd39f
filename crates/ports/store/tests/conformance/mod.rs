//! What every database must do, written once. `suite!` makes the tests of one of them.

pub(crate) mod claims;
pub(crate) mod commits;
pub(crate) mod concurrency;
pub(crate) mod events;
pub(crate) mod guards;
pub(crate) mod lists;
mod make;
pub(crate) mod marks;
pub(crate) mod model;
pub(crate) mod tampering;

pub(crate) use make::*;
use nave_store::Store;
use sqlx::{Connection as _, Executor as _};

/// An empty store of one test, in a database of its own.
pub(crate) struct Place {
    /// Where it is, for [`Store::open`].
    pub(crate) url: String,
    /// Keeps the place while the test runs.
    pub(crate) _keep: Option<tempfile::TempDir>,
}

impl Place {
    /// Opens the store.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("store")
    }

    /// Takes away what was stored.
    pub(crate) async fn empty(&self) {
        self.open().await.close().await;
        let mut database = sqlx::AnyConnection::connect(&self.url).await.expect("connection");
        for sql in [
            "DELETE FROM events",
            "DELETE FROM resource_rows",
            "DELETE FROM claims",
            "DELETE FROM marks",
            "UPDATE log_head SET revision = 0, hash = ''",
        ] {
            database.execute(sql).await.expect("empty");
        }
    }
}

/// One test for each case, in a place that `$fresh(name)` makes; where it makes none, it has said why.
macro_rules! suite {
    ($fresh:path: $($module:ident::$case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some(place) = $fresh(stringify!($case)).await {
                    conformance::$module::$case(&place).await;
                }
            }
        )*
    };
}

/// Every case, for `suite!`.
macro_rules! every_case {
    ($fresh:path) => {
        conformance::suite! {
            $fresh:
            commits::revisions_have_no_gap,
            commits::a_row_comes_back_as_it_was_written,
            commits::a_replaced_row_keeps_its_birth,
            commits::a_write_says_what_it_expects,
            commits::all_of_a_change_or_nothing,
            commits::one_change_writes_a_key_once,
            commits::what_was_committed_is_there_after_opening_again,
            claims::a_name_has_one_holder,
            claims::a_name_is_free_once_its_holder_lets_go,
            claims::two_rows_exchange_names_in_one_change,
            guards::unchanged_sees_what_others_wrote,
            guards::unchanged_is_about_others,
            guards::present_and_gone_are_about_the_end,
            marks::a_mark_is_kept_moved_and_dropped,
            lists::what_lies_below_a_key,
            lists::pages_join_up,
            lists::the_state_as_it_was,
            events::the_log_is_searched,
            events::commits_are_followed_from_any_revision,
            events::a_waiting_follower_is_woken,
            concurrency::each_failure_is_its_own,
            concurrency::one_of_many_wins_a_key,
            concurrency::what_the_database_refuses_takes_no_other_down,
            concurrency::readers_do_not_wait_for_a_writer,
            concurrency::two_handles_make_one_log,
            tampering::a_whole_log_verifies,
            tampering::every_alteration_is_found,
            model::any_history_is_the_models,
        }
    };
}

pub(crate) use {every_case, suite};
