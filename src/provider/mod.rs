//! Who serves: a preset and the user's settings become a [`Provider`].
//!
//! Invariant: a provider is data; no provider has Rust of its own. Entry point: [`Workspace::load`], then
//! [`Workspace::provider`].

mod auth_file;
mod build;
mod credential;
mod environment;
mod file;
mod known;
mod layers;
mod limits_file;
mod load;
mod means;
mod merge;
pub mod preset;
#[expect(clippy::module_inception, reason = "the folder is named after what it makes")]
mod provider;
mod rule;
mod rule_file;
mod secret;
mod settings;
mod simulation;
mod variables;
mod verdict;

pub use auth_file::{AuthFile, AuthKind, SecretFile};
pub use credential::{Credential, CredentialError};
pub use environment::Environment;
pub use file::{EnvelopeFile, Item, ProviderFile, Texts};
pub use known::Known;
pub use limits_file::{DayFile, DayTable, DayWindow, LimitsFile, WindowFile};
pub use load::Workspace;
pub use means::{LanguagesFile, Means, MeansFile};
pub use provider::{Auth, Envelope, Limits, Provider, Unit, Window, WindowKind};
pub use rule::{CodeMatch, Rule, Scope};
pub use rule_file::{Items, On, RuleFile, ThenName, ThrottleName, VerdictName};
pub use secret::{SecretError, SecretRef};
pub use settings::{DurabilityFile, Settings, SettingsFile};
pub use simulation::{
    Cause, Code, Column, ColumnKind, Days, Endpoint, JsonText, Keys, OtherPaths, Placement, PlacementKind, RecordShape,
    Simulation,
};
pub use verdict::{AfterRetries, ThrottleWindow, Verdict};
