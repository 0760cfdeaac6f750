//! Many small tiles in rows and columns, each with a colour and a title: a heat map.

use std::fmt::Write as _;

use super::plot::escape;

/// One tile.
pub(crate) struct Tile {
    /// Colours it.
    pub(crate) class: &'static str,
    /// Shown when the pointer rests on it.
    pub(crate) title: String,
}

const WIDTH: f64 = 860.0;
/// Room for the names of rows.
const LEFT: f64 = 150.0;
/// Names longer than this are cut.
const NAME: usize = 22;

/// The drawing. `rows` and `columns` are names, empty where none is to be shown; `tile` gives what stands where.
pub(crate) fn tiles(
    rows: &[String],
    columns: &[String],
    title: &str,
    tile: impl Fn(usize, usize) -> Option<Tile>,
) -> String {
    let has_names = rows.iter().any(|name| !name.is_empty());
    let left = if has_names { LEFT } else { 0.0 };
    let step_x = ((WIDTH - left) / (columns.len() as f64).max(1.0)).min(26.0);
    let step_y = (520.0 / (rows.len() as f64).max(1.0)).clamp(4.0, 18.0).min(step_x.max(13.0));
    let gap = if step_x.min(step_y) >= 5.0 { 1.5 } else { 0.0 };
    let has_columns = columns.iter().any(|name| !name.is_empty());
    let top = if has_columns { 20.0 } else { 2.0 };
    let height = top + step_y * rows.len() as f64 + 4.0;
    let mut body = String::new();
    write_columns(&mut body, columns, left, step_x);
    // Names that would run into one another are left out.
    let each = (12.0 / step_y).ceil().max(1.0) as usize;
    for (row, name) in rows.iter().enumerate() {
        let y = top + row as f64 * step_y;
        if row.is_multiple_of(each) && !name.is_empty() {
            let middle = y + step_y / 2.0 + 4.0;
            push(
                &mut body,
                format_args!(
                    "<text class=\"tick end\" x=\"{:.1}\" y=\"{middle:.1}\">{}</text>",
                    left - 8.0,
                    escape(&short(name))
                ),
            );
        }
        for column in 0..columns.len() {
            let Some(Tile { class, title }) = tile(row, column) else { continue };
            let x = left + column as f64 * step_x;
            let (width, height) = (step_x - gap, step_y - gap);
            let title = escape(&title);
            push(
                &mut body,
                format_args!(
                    "<rect class=\"tile {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{title}</title></rect>"
                ),
            );
        }
    }
    format!(
        "<svg viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">{body}</svg>\n",
        escape(title)
    )
}

/// As many names above the columns as have room, the first among them.
fn write_columns(body: &mut String, columns: &[String], left: f64, step: f64) {
    let longest = columns.iter().map(|name| short(name).chars().count()).max().unwrap_or(0) as f64;
    let length = longest * 6.5;
    let each = ((length + 14.0) / step).ceil().max(1.0) as usize;
    for (column, name) in columns.iter().enumerate().step_by(each).filter(|(_, name)| !name.is_empty()) {
        let x = left + column as f64 * step;
        // One that would run out of the drawing has no room either.
        if x + length > WIDTH {
            break;
        }
        push(body, format_args!("<text class=\"tick\" x=\"{x:.1}\" y=\"11.0\">{}</text>", escape(&short(name))));
    }
}

fn push(body: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _written: std::fmt::Result = body.write_fmt(element);
}

fn short(name: &str) -> String {
    match name.chars().count() > NAME {
        true => name.chars().take(NAME - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}
