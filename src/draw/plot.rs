//! Small drawings as inline SVG: a frame with two axes, and lines, bands and bars in it.
//!
//! Invariant: well-formed XML; every text goes through [`escape`]. Colours come from the page's style sheet by class,
//! so that a drawing is right on light and on dark ground.

/// Text that may stand between tags and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML knows no other control characters.
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}')
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// A number as text, its whole part in groups of three: `1,234,567.8`.
pub(crate) fn in_groups(number: &str) -> String {
    let whole = number.find('.').unwrap_or(number.len());
    let mut text = String::with_capacity(number.len() + whole / 3);
    for (nth, character) in number.chars().enumerate() {
        if nth > 0 && nth < whole && (whole - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(character);
    }
    text
}

/// A value's way to a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scale {
    /// From nothing to the largest.
    Linear { largest: f64 },
    /// Between two values above nothing.
    Log { least: f64, largest: f64 },
}

impl Scale {
    /// Where `value` is, from 0 to 1.
    pub(crate) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { largest } => value / largest,
            Self::Log { least, largest } => (value.max(least) / least).ln() / (largest / least).ln(),
        };
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// A drawing with room around its inside for what is written at the axes.
pub(crate) struct Frame {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    body: String,
}

impl Frame {
    /// `size` is width and height; `margins` are left, right, top and bottom.
    pub(crate) fn new(size: [f64; 2], margins: [f64; 4], x: Scale, y: Scale) -> Self {
        let [width, height] = size;
        let [left, right, top, bottom] = margins;
        Self { width, height, left, right, top, bottom, x, y, body: String::new() }
    }

    fn at_x(&self, value: f64) -> f64 {
        self.left + self.x.place(value) * (self.width - self.left - self.right)
    }

    fn at_y(&self, value: f64) -> f64 {
        self.height - self.bottom - self.y.place(value) * (self.height - self.top - self.bottom)
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        self.body.push_str(&element.to_string());
    }

    /// A line across at `value`, with its name at the left.
    pub(crate) fn tick_y(&mut self, value: f64, name: &str) {
        let (y, left, right) = (self.at_y(value), self.left, self.width - self.right);
        self.push(format_args!(
            "<line class=\"grid\" x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>"
        ));
        self.write(left - 8.0, y + 4.0, "tick end", name);
    }

    /// A line up at `value`, with its name below.
    pub(crate) fn tick_x(&mut self, value: f64, name: &str) {
        let (x, top, bottom) = (self.at_x(value), self.top, self.height - self.bottom);
        self.push(format_args!(
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>"
        ));
        self.write(x, bottom + 17.0, "tick middle", name);
    }

    /// The limit: a broken line across.
    pub(crate) fn limit(&mut self, value: f64) {
        let (y, left, right) = (self.at_y(value), self.left, self.width - self.right);
        self.push(format_args!(
            "<line class=\"limit\" x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>"
        ));
    }

    /// A line through points.
    pub(crate) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> =
            points.iter().map(|(x, y)| format!("{:.1},{:.1}", self.at_x(*x), self.at_y(*y))).collect();
        self.push(format_args!("<polyline class=\"line {class}\" points=\"{}\"/>", points.join(" ")));
    }

    /// A point that stands out.
    pub(crate) fn dot(&mut self, class: &str, x: f64, y: f64) {
        let (x, y) = (self.at_x(x), self.at_y(y));
        self.push(format_args!("<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"));
    }

    /// Text beside a point, on the side where there is room.
    pub(crate) fn note(&mut self, x: f64, y: f64, text: &str) {
        let (at, below) = (self.at_x(x), self.at_y(y) + 17.0);
        match at > self.width * 0.75 {
            true => self.write(at - 9.0, below, "value end", text),
            false => self.write(at + 9.0, below, "value", text),
        }
    }

    /// The area between the lower and the upper value at each point.
    pub(crate) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let upper = points.iter().map(|(x, _, high)| (x, high));
        let lower = points.iter().rev().map(|(x, low, _)| (x, low));
        let points: Vec<String> =
            upper.chain(lower).map(|(x, y)| format!("{:.1},{:.1}", self.at_x(*x), self.at_y(*y))).collect();
        self.push(format_args!("<polygon class=\"band {class}\" points=\"{}\"/>", points.join(" ")));
    }

    /// A bar from the left edge to `value`, `y` pixels below the top, and what is written at its end.
    pub(crate) fn bar(&mut self, class: &str, y: f64, value: f64, label: &str) {
        let (left, width) = (self.left, self.at_x(value) - self.left);
        self.push(format_args!(
            "<rect class=\"bar {class}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"18\" rx=\"2\"/>"
        ));
        self.write(left + width + 7.0, y + 13.5, "value", label);
    }

    /// Text at a place.
    pub(crate) fn write(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let text = escape(text);
        self.push(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
    }

    /// The drawing; `title` is what it shows, for those who do not see it.
    pub(crate) fn finish(self, title: &str) -> String {
        format!(
            "<svg viewBox=\"0 0 {:.0} {:.0}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">{}</svg>\n",
            self.width,
            self.height,
            escape(title),
            self.body
        )
    }
}

/// Round values from nothing up to `largest`, about four of them.
pub(crate) fn round_steps(largest: f64) -> Vec<f64> {
    let rough = (largest / 4.0).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    (0_u32..10).map(|nth| f64::from(nth) * step).take_while(|value| *value <= largest * 1.0001).collect()
}

/// A value at an axis: two decimals at most, large ones in groups.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if value >= 10_000.0 { in_groups(text) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_become_markup() {
        assert_eq!(escape("<a b='c'>\"&\u{7}ü"), "&lt;a b=&#39;c&#39;&gt;&quot;&amp;\u{fffd}ü");
    }

    #[test]
    fn numbers_are_grouped() {
        let given = ["0", "999", "1000", "1573.3", "1234567.89"];
        assert_eq!(given.map(in_groups), ["0", "999", "1,000", "1,573.3", "1,234,567.89"]);
    }

    #[test]
    fn values_have_places() {
        let linear = Scale::Linear { largest: 200.0 };
        let log = Scale::Log { least: 1.0, largest: 10_000.0 };
        assert_eq!([0.0, 50.0, 200.0, 900.0, f64::NAN].map(|value| linear.place(value)), [0.0, 0.25, 1.0, 1.0, 0.0]);
        assert_eq!([0.0, 1.0, 100.0, 10_000.0].map(|value| log.place(value)), [0.0, 0.0, 0.5, 1.0]);
        assert_eq!(Scale::Linear { largest: 0.0 }.place(0.0), 0.0);
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(round_steps(330.0), [0.0, 100.0, 200.0, 300.0]);
        assert_eq!(round_steps(11.0), [0.0, 5.0, 10.0]);
        assert_eq!(round_steps(1.0), [0.0, 0.5, 1.0]);
    }
}
