//! What `tidemill quota` takes.

use clap::Args;

use super::jobs::key_value;

/// `tidemill quota`
#[derive(Debug, Args)]
pub(in crate::cli) struct QuotaArguments {
    /// Providers; without any all whose credential is set
    #[arg(value_name = "PROVIDER")]
    pub(in crate::cli) providers: Vec<String>,
    /// Say how much of a window is used, for calls that were made elsewhere or are unknown, such as day=1200
    #[arg(long, value_name = "WINDOW=N", value_parser = window_used)]
    pub(in crate::cli) set_used: Vec<(String, u32)>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

fn window_used(text: &str) -> Result<(String, u32), String> {
    let (window, used) = text.split_once('=').ok_or("expected WINDOW=N, such as day=1200")?;
    let used = used.parse().map_err(|_| format!("`{used}` is no number of calls"))?;
    Ok((window.to_owned(), used))
}
