//! The page for a browser.

use crate::cli::render::{count, grouped, minute_limit};
use crate::cli::when::when;
use crate::draw::{document, escape};

use super::charts::{burn_downs, latency, requests, share_bar};
use super::command::Reported;
use super::tables::{Table, end, lead, tables, tiles};

const STYLE: &str = include_str!("report.css");

/// The whole page, one job after the other.
pub(super) fn page(all: &[Reported]) -> String {
    let mut body = String::new();
    if all.len() > 1 {
        body.push_str(&contents(all));
    }
    all.iter().for_each(|reported| body.push_str(&job(reported)));
    let names: Vec<&str> = all.iter().map(|reported| reported.report.job.as_str()).collect();
    document(&format!("tidemill: {}", names.join(", ")), STYLE, &body)
}

/// One line a job, for whoever reads no further.
fn contents(all: &[Reported]) -> String {
    let mut body = format!("<h1>{} jobs</h1>\n<figure>\n", all.len());
    for reported in all {
        let name = escape(&reported.report.job);
        let lead = escape(&lead(reported));
        body.push_str(&format!("<p class=\"one\">{} <a href=\"#{name}\">{name}</a> {lead}</p>\n", pill(reported)));
    }
    body + "</figure>\n"
}

fn pill(reported: &Reported) -> String {
    let (word, class) = end(reported.report.exit);
    format!("<span class=\"pill {class}\">{word}</span>")
}

fn job(reported: &Reported) -> String {
    let report = &reported.report;
    let name = escape(&report.job);
    let mut body = format!("<section id=\"{name}\">\n<h1>{name} {}</h1>\n", pill(reported));
    body.push_str(&format!("<p class=\"lead\">{}</p>\n", escape(&lead(reported))));
    let simulated = if reported.simulated { ", against the simulator: every row is made up" } else { "" };
    let which = match reported.run {
        1 => "the last run".to_owned(),
        run => format!("{run} runs ago"),
    };
    let told = format!(
        "From {}, {which}, {}{simulated}. Exit code {}.",
        report.provider,
        when(reported.started, &report.zone),
        report.exit.code()
    );
    body.push_str(&format!("<p>{}</p>\n<div class=\"figures\">\n", escape(&told)));
    for (name, figure, more) in tiles(reported) {
        let more = escape(&more);
        body.push_str(&format!("<div><span>{name}</span><b>{}</b><span>{more}</span></div>\n", escape(&figure)));
    }
    body.push_str("</div>\n");
    body.push_str(&over_time(reported));
    body.push_str(&cells(reported));
    tables(reported).iter().for_each(|one| body.push_str(&table(one)));
    body + "</section>\n"
}

fn over_time(reported: &Reported) -> String {
    let report = &reported.report;
    let mut body = String::new();
    if let Some((drawing, has_limit)) = requests(report) {
        let limit = minute_limit(&report.quota).map(|(limit, window)| format!("{} a {window}", grouped(limit.into())));
        let limit = limit.map(|limit| match has_limit {
            true => format!(" <span class=\"red\">Broken line</span>: what the limits let through, {limit}."),
            false => format!(" The limits let far more through, {limit}."),
        });
        let refused = match report.refused {
            0 => "",
            _ => " <span class=\"amber\">Lower line</span>: those that brought no page.",
        };
        body.push_str(&format!(
            "<h2>Requests a minute</h2>\n<p>Times are {}; the first and the last minute are not whole.{refused}{}</p>\n<figure class=\"time\">{drawing}</figure>\n",
            escape(&report.zone),
            limit.unwrap_or_default()
        ));
    }
    for (window, drawing) in burn_downs(report) {
        let resets = window.resets_at.map(|at| format!(" It opens again {}.", when(at, &report.zone)));
        body.push_str(&format!(
            "<h2>What is left of the {}</h2>\n<p>Of {}, whoever uses the credential on this machine.{}</p>\n<figure class=\"time\">{drawing}</figure>\n",
            escape(&window.window),
            grouped(u64::from(window.limit)),
            escape(&resets.unwrap_or_default())
        ));
    }
    if let Some(drawing) = latency(report) {
        let ms = |per_mille| report.latency.at_most(per_mille).as_secs_f64() * 1000.0;
        let rows = [("half of them", 500), ("90 %", 900), ("99 %", 990), ("all", 1000)];
        let rows = rows.map(|(name, share)| vec![name.to_owned(), format!("{} ms", grouped(ms(share).round() as u64))]);
        let quantiles = Table { title: "", heads: vec!["answers", "within"], rows: rows.to_vec() };
        body.push_str(&format!(
            "<h2>How long answers took</h2>\n<div class=\"pair\"><figure>{drawing}</figure>{}</div>\n",
            table(&quantiles)
        ));
    }
    body
}

/// The cells as they are now, whichever run is told of.
fn cells(reported: &Reported) -> String {
    let counts = reported.cells.counts();
    if counts.is_empty() {
        return String::new();
    }
    let mut body = String::from("<h2>Cells as they are now</h2>\n<p class=\"legend\">");
    for (kind, count) in &counts {
        body.push_str(&format!("<span><i class=\"{kind}\"></i>{kind} {}</span> ", grouped(*count)));
    }
    body.push_str("</p>\n");
    let (drawing, most) = reported.cells.drawing().unwrap_or_default();
    if most > 1 {
        body.push_str(&format!(
            "<p>A tile is up to {}, in the colour of most of them; it has a red frame where some were rejected.</p>\n",
            count(most, "cell")
        ));
    }
    body.push_str(&format!("<figure class=\"time\">{}{drawing}</figure>\n", share_bar(&counts)));
    body
}

fn table(table: &Table) -> String {
    let mut body = match table.title {
        "" => String::new(),
        title => format!("<h2>{}</h2>\n", escape(title)),
    };
    body.push_str("<figure><table class=\"list\"><thead><tr>");
    for (column, head) in table.heads.iter().enumerate() {
        let is_figures = table.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| is_figure(cell));
        let class = if is_figures { "figure" } else { "words" };
        body.push_str(&format!("<th class=\"{class}\">{}</th>", escape(head)));
    }
    body.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        body.push_str("<tr>");
        for cell in row {
            // Numbers stand in columns, words wrap.
            let class = if is_figure(cell) { "figure" } else { "words" };
            body.push_str(&format!("<td class=\"{class}\">{}</td>", escape(cell)));
        }
        body.push_str("</tr>\n");
    }
    body + "</tbody></table></figure>\n"
}

fn is_figure(text: &str) -> bool {
    text.len() < 16 && text.starts_with(|first: char| first.is_ascii_digit())
}
