//! The monitor plane: what happens is told to the places where IT keeps its logs (`Microsoft.Insights/diagnosticSettings`,
//! MON-06).
//!
//! A diagnostic setting on a resource says which events go where. Where is a storage account or a log workspace, whose
//! logs are files in the data directory, or a sink: a resource of `Nave.Monitor/sinks`, which is a folder, an
//! OpenTelemetry collector or a bucket. Sinks are resources so that who may send to one is decided like everything else,
//! and so that `az monitor diagnostic-settings create --marketplace-partner-id` names one.
//!
//! Nothing is sent in a request. [`Monitor::round`] reads the log from where each setting is and delivers; how far it came
//! is a mark beside the log. After a crash or a failure it starts again from the mark, so an event may arrive twice, with
//! the same `eventDataId`, and none is left out.

#![warn(missing_docs)]

mod categories;
mod diagnostic_settings;
mod diagnostic_settings_categories;
mod health;
mod record;
mod shipping;
mod sinks;

use std::{path::PathBuf, sync::Arc};

use nave_engine::Registry;
use nave_outbound::Outbound;

pub use shipping::Round;

use health::Health;

/// The plane, and what it has under way.
#[derive(Clone)]
pub struct Monitor {
    health: Arc<Health>,
    shipping: Arc<shipping::Shipping>,
}

impl Monitor {
    /// A plane that goes out by `outbound` and keeps files in `folder`, which is made when the first one is written.
    #[must_use]
    pub fn new(outbound: Outbound, folder: PathBuf) -> Self {
        let health = Arc::new(Health::default());
        let shipping = Arc::new(shipping::Shipping::new(outbound, folder, health.clone()));
        Self { health, shipping }
    }

    /// Adds the plane's types.
    pub fn register(&self, registry: &mut Registry) {
        registry.add_type(diagnostic_settings::DiagnosticSettings::new(self.health.clone()));
        registry.add_type(diagnostic_settings_categories::DiagnosticSettingsCategories);
        registry.add_type(sinks::Sinks);
    }
}
