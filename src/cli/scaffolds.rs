//! What `tidemill init` can begin with: texts of a workspace, one set for each provider. Nothing else.

/// The files of one workspace.
#[derive(Debug)]
pub(super) struct Scaffold {
    /// What `--from` names it: a preset, or `generic`.
    pub(super) name: &'static str,
    /// What it fetches.
    pub(super) about: &'static str,
    /// The job among the files.
    pub(super) job: &'static str,
    /// Path below the workspace and text.
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// All of them, sorted, what is for no preset last.
pub(super) const SCAFFOLDS: [Scaffold; 4] = [
    Scaffold {
        name: "agushuju",
        about: "A-share data: daily prices of a list of stocks",
        job: "jobs/agushuju_stock_daily.toml",
        files: &[
            ("tidemill.toml", include_str!("scaffold/agushuju/tidemill.toml")),
            ("jobs/agushuju_stock_daily.toml", include_str!("scaffold/agushuju/job.toml")),
            ("jobs/symbols.csv", include_str!("scaffold/agushuju/symbols.csv")),
            (".env.example", include_str!("scaffold/agushuju/env.example")),
        ],
    },
    Scaffold {
        name: "foxdata",
        about: "app-store data: chart ranks of an app, day by day",
        job: "jobs/foxdata_app_rank.toml",
        files: &[
            ("tidemill.toml", include_str!("scaffold/foxdata/tidemill.toml")),
            ("jobs/foxdata_app_rank.toml", include_str!("scaffold/foxdata/job.toml")),
            (".env.example", include_str!("scaffold/foxdata/env.example")),
        ],
    },
    Scaffold {
        name: "sensenova",
        about: "a language model: one answer for each line of a file of prompts",
        job: "jobs/sensenova_chat.toml",
        files: &[
            ("tidemill.toml", include_str!("scaffold/sensenova/tidemill.toml")),
            ("jobs/sensenova_chat.toml", include_str!("scaffold/sensenova/job.toml")),
            ("jobs/prompts.jsonl", include_str!("scaffold/sensenova/prompts.jsonl")),
            (".env.example", include_str!("scaffold/sensenova/env.example")),
        ],
    },
    Scaffold {
        name: "generic",
        about: "any other JSON API: a commented provider file to edit, and a job for it",
        job: "jobs/acme_prices.toml",
        files: &[
            ("tidemill.toml", include_str!("scaffold/generic/tidemill.toml")),
            ("providers/acme.toml", include_str!("scaffold/generic/acme.toml")),
            ("jobs/acme_prices.toml", include_str!("scaffold/generic/job.toml")),
            (".env.example", include_str!("scaffold/generic/env.example")),
        ],
    },
];

/// What git is to leave alone, whatever the provider.
pub(super) const GITIGNORE: (&str, &str) = (".gitignore", include_str!("scaffold/gitignore"));

#[cfg(test)]
mod tests {
    use crate::provider::preset;

    use super::*;

    #[test]
    fn every_preset_has_one() {
        let names: Vec<&str> = SCAFFOLDS.iter().map(|scaffold| scaffold.name).collect();
        assert_eq!(names, preset::names().chain(["generic"]).collect::<Vec<_>>());
        for Scaffold { name, job, files, .. } in SCAFFOLDS {
            assert!(files.iter().any(|(path, _)| *path == job), "{name}: {job} is none of its files");
        }
    }
}
