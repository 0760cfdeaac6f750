//! The environment as a value: the process's variables and those of `.env`, handed to whoever needs them.
//!
//! Invariant: `.env` never overrides the real environment, and the real environment is never changed.

use std::collections::BTreeMap;
use std::fmt;

/// Variables by name. `Debug` shows names only: values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process; those that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()))
                .collect(),
        )
    }

    /// Adds a variable, or replaces the value it has.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds the variables of a `.env` text that are not there yet, or gives the line (from 1) that cannot be read.
    pub fn add_dotenv(&mut self, text: &str) -> Result<(), usize> {
        let mut added = BTreeMap::new();
        for pair in dotenvy::from_read_iter(text.as_bytes()) {
            match pair {
                Ok((name, value)) => added.insert(name, value),
                Err(error) => return Err(line_of(&error, text)),
            };
        }
        for (name, value) in added {
            self.0.entry(name).or_insert(value);
        }
        Ok(())
    }
}

/// The error carries the text of the line, which may be a secret: only its number leaves.
fn line_of(error: &dotenvy::Error, text: &str) -> usize {
    let wrong = match error {
        dotenvy::Error::LineParse(line, _) => line.lines().next().unwrap_or_default(),
        _ => return 1,
    };
    text.lines().position(|line| line.contains(wrong)).map_or(1, |index| index + 1)
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
