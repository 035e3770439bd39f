//! `nave up --demo`: an organisation's first day, played through the public API over TLS.
//!
//! Everything is done by the person whose job it is, with that person's own token: the server cannot tell the demo
//! from any other client. Each step is printed with what came of it; a step that should have passed and did not, or
//! should have been refused and was not, makes the demo fail. What is there from the last time is not made again.

mod cast;
mod names;
mod scenery;
mod stage;
mod story;
mod verdict;

use anyhow::Context;

use crate::{cli::Up, say};

pub(crate) use names::{ADMINISTRATOR, CHAT, GROUP, HUB, PROJECT};
pub(crate) use stage::Stage;

/// How it went.
pub(crate) struct Played {
    /// Whether everything was as it should be.
    pub(crate) as_expected: bool,
    /// The people, with the passwords made up for them.
    pub(crate) people: Vec<Introduction>,
}

/// Somebody of the demo.
pub(crate) struct Introduction {
    /// The user principal name.
    pub(crate) upn: String,
    /// What he is there.
    pub(crate) job: &'static str,
    /// The password.
    pub(crate) password: String,
}

/// Sets the scene and plays the story.
pub(crate) async fn play(stage: &Stage, arguments: &Up) -> anyhow::Result<Played> {
    say::line("\nThe demo. Every step is a call of the public API by the person named.\n");
    let mut verdicts = verdict::Verdicts::default();
    let cast = cast::enrol(stage, &mut verdicts)
        .await
        .context("the people of the demo cannot be enrolled")?;
    scenery::set(stage, &cast, arguments, &mut verdicts).await?;
    story::play(stage, &cast, &mut verdicts).await?;
    verdicts.sum_up();
    Ok(Played {
        as_expected: verdicts.all_as_expected(),
        people: cast.introductions(),
    })
}
