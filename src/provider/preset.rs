//! The providers that ship with the binary: TOML texts, nothing else.

const PRESETS: [(&str, &str); 3] = [
    ("agushuju", include_str!("presets/agushuju.toml")),
    ("foxdata", include_str!("presets/foxdata.toml")),
    ("sensenova", include_str!("presets/sensenova.toml")),
];

/// Names of the built-in presets, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// The provider file of the preset `name`.
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
