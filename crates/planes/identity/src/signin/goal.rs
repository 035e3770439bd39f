//! What a sign-in is for: a program that opened the browser, a device that shows a code, or the person's own pages. Each has
//! its first page, and its way to end.

use nave_engine::{Reply, Resource, route::Call};

use super::{Known, account};
use crate::{
    Inner,
    authorize::{self, Asked},
    devices, paths,
};

/// What for.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    /// A program, which gets a code.
    Program(Box<Asked>),
    /// A device, which is found by the code it shows.
    Device {
        /// The code, as typed.
        user_code: String,
    },
    /// The person himself, who looks after his account.
    Account,
}

impl Goal {
    /// Where the forms on the way are sent.
    pub(super) fn action(&self, call: &Call) -> String {
        match self {
            Self::Program(_) => paths::endpoint_path(call.engine.site(), "oauth2/v2.0/authorize"),
            Self::Device { .. } => devices::PAGE.to_owned(),
            Self::Account => account::PAGE.to_owned(),
        }
    }

    /// The heading of the pages that ask who it is.
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::Program(_) | Self::Account => "Sign in",
            Self::Device { .. } => "Sign in on another device",
        }
    }

    /// The host that the last form may lead to.
    pub(super) fn leads_to(&self) -> Option<&str> {
        match self {
            Self::Program(asked) => Some(asked.leads_to()),
            Self::Device { .. } | Self::Account => None,
        }
    }

    /// Whether a second factor is demanded.
    pub(super) fn demands_second_factor(&self, inner: &Inner, call: &Call) -> bool {
        match self {
            Self::Program(asked) => asked.demands_second_factor(),
            Self::Device { user_code } => inner
                .devices
                .demands_second_factor(user_code, call.engine.world().now()),
            Self::Account => false,
        }
    }

    /// The end: the person has shown all that is needed.
    pub(super) fn finish(self, inner: &Inner, call: &Call, known: Known, person: &Resource) -> Reply {
        match self {
            Self::Program(asked) => authorize::send_back(inner, call, &asked, known, person),
            Self::Device { user_code } => devices::approve(inner, call, &user_code, known, person),
            Self::Account => account::page(inner, call, known, person, None),
        }
    }
}
