//! What `tidemill doctor` takes.

use clap::Args;

use super::jobs::key_value;

/// `tidemill doctor`
#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorArguments {
    /// Providers whose key must be there; without any, all of them are looked at
    #[arg(value_name = "PROVIDER")]
    pub(in crate::cli) providers: Vec<String>,
    /// Ask each base URL for its headers, without a credential: name, connection, certificate, clock. It may count as a call
    #[arg(long)]
    pub(in crate::cli) live: bool,
    /// Set one setting for this call, such as provider.foxdata.base_url=http://127.0.0.1:9101
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
