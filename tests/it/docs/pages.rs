//! Which pages are played: all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::page::play;

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        const PAGES: &[&str] = &[$($path),*];
        $(#[test] fn $name() { play($path); })*
    };
}

pages! {
    readme: "README.md",
    readme_in_chinese: "README.zh-CN.md",
    index: "docs/README.md",
    nightly: "docs/nightly.md",
    backfill: "docs/backfill.md",
    benchmark: "docs/benchmark.md",
    new_provider: "docs/new-provider.md",
    from_a_script: "docs/from-a-script.md",
    recover: "docs/recover.md",
    library: "docs/library.md",
    comparison: "docs/comparison.md",
    scheduling: "docs/scheduling/README.md",
}

#[test]
fn every_page_is_played() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for folder in ["", "docs", "docs/scheduling"] {
        for entry in fs::read_dir(project.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(project).unwrap().display().to_string();
            if name.ends_with(".md") && name != "CHANGELOG.md" {
                found.insert(name);
            }
        }
    }
    assert_eq!(found, PAGES.iter().map(|page| (*page).to_owned()).collect());
}

#[test]
fn links_lead_somewhere() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(project.join(page)).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            let is_here = !file.contains("://") && !file.is_empty();
            if is_here && !project.join(page).parent().unwrap().join(file).exists() {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
