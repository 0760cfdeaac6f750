//! The report for a terminal of eighty columns.

use super::figures::Figures;
use super::report::Report;

const NOTES: &str = "
used  what the server accepted, of what the tightest limit had room for while
      there was work
idle  work waits, nothing is in flight, one more call is within every limit, and
      the even spacing of the tightest has passed since the last one left
";

/// The report as text: use and refusals, times, and one block per limit.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    for (name, value) in report.conditions() {
        text.push_str(&format!("{name:<10}{value}\n"));
    }
    text.push_str("\nstrategy               used       sent    refused   per 10k      idle\n");
    for figures in &report.strategies {
        let used = figures.binding().map_or(0.0, |window| window.used_percent);
        text.push_str(&format!(
            "{:<18}{used:>7.2} % {:>10} {:>10} {:>9.2} {:>7.2} %\n",
            figures.strategy.name(),
            figures.sent,
            figures.refused,
            figures.refused_per_10k,
            figures.idle_percent,
        ));
    }
    // Of jobs the processor time of everything is known, of plays that of deciding.
    let is_of_jobs = report.strategies.iter().any(|figures| figures.processor_ns.is_some());
    let cost = if is_of_jobs { "CPU a call" } else { "per permit" };
    text.push_str(&format!("\nin ms              wait p50   wait p99    latency p50   latency p99   {cost}\n"));
    for figures in &report.strategies {
        text.push_str(&format!(
            "{:<18}{:>9.1} {:>10.1} {:>14.1} {:>13.1}   {}\n",
            figures.strategy.name(),
            figures.wait.p50_ms,
            figures.wait.p99_ms,
            figures.latency.p50_ms,
            figures.latency.p99_ms,
            figures
                .processor_ns
                .or(figures.overhead_ns)
                .map_or_else(|| format!("{:>10}", "-"), |nanos| format!("{:>7} ns", nanos)),
        ));
    }
    text.push_str(&limits(report));
    text.push_str(NOTES);
    text
}

fn limits(report: &Report) -> String {
    let mut text = String::new();
    let count = report.strategies.first().map_or(0, |figures| figures.windows.len());
    for index in 0..count {
        for (nth, figures) in report.strategies.iter().enumerate() {
            let Some(window) = figures.windows.get(index) else { continue };
            if nth == 0 {
                let title = format!("{} per {}", window.limit, window.name);
                text.push_str(&format!("\n{title:<22} allowed   achieved        used   in one window   refused\n"));
            }
            text.push_str(&format!(
                "{:<18}{:>12} {:>10} {:>9.2} % {:>15} {:>9}\n",
                figures.strategy.name(),
                window.allowed,
                window.achieved,
                window.used_percent,
                window.most,
                refused(figures, &window.name),
            ));
        }
    }
    text
}

/// Refusals that name this limit.
fn refused(figures: &Figures, name: &str) -> u64 {
    figures.refused_by.get(name).copied().unwrap_or_default()
}
