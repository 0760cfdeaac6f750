//! Completions and manual pages, as a shell and a packager take them.

use std::process::Command;

use super::place::Place;

/// Every command that `--help` lists, without `help` itself.
fn commands(place: &Place) -> Vec<String> {
    let help = place.tidemill(&["--help"]).expect(0).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn each_shell_gets_a_script_that_knows_every_command() {
    let place = Place::bare();
    let commands = commands(&place);
    assert!(commands.len() > 8 && commands.contains(&"doctor".to_owned()), "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.tidemill(&["completions", shell]).expect(0);
        assert!(script.err.is_empty());
        for command in &commands {
            assert!(script.out.contains(command.as_str()), "{shell} does not know `{command}`");
        }
    }
    place.write("tidemill.bash", &place.tidemill(&["completions", "bash"]).expect(0).out);
    let script = place.path().join("tidemill.bash");
    assert!(Command::new("bash").arg("-n").arg(&script).status().unwrap().success(), "bash reads it");
    let complete = "source \"$0\"; COMP_WORDS=(tidemill run --paused); COMP_CWORD=2; _tidemill tidemill --paused run; \
                    echo \"${COMPREPLY[@]}\"";
    let completed = Command::new("bash").args(["-c", complete]).arg(&script).output().unwrap();
    assert_eq!(String::from_utf8(completed.stdout).unwrap().trim(), "--paused-exit-code");
    place.tidemill(&["completions", "tcsh"]).expect(2);
}

#[test]
fn every_command_has_a_page() {
    let place = Place::bare();
    let page = place.tidemill(&["man"]).expect(0);
    assert!(page.out.contains(".TH tidemill 1") && page.out.contains("paused with all work kept"), "{}", page.out);
    assert!(page.err.is_empty() && place.files(".").is_empty(), "it is printed, not written");
    // Written twice, the second time over the first.
    for _ in 0..2 {
        place.tidemill(&["man", "--out", "share/man1"]).expect(0);
        let names: Vec<String> = place
            .files("share/man1")
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        let mut due: Vec<String> = commands(&place).iter().map(|name| format!("tidemill-{name}.1")).collect();
        due.push("tidemill.1".to_owned());
        due.sort();
        assert_eq!(names, due);
    }
    place.write("file", "");
    let ended = place.tidemill(&["man", "--out", "file/man1"]).expect(1);
    assert!(ended.err.contains("`file/man1` cannot be made"), "{}", ended.err);
}
