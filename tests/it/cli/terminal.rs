//! Bars on a real terminal: a pseudo terminal whose screen is kept here as a terminal keeps it.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};

use rustix::io::ioctl_fionread;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::place::Place;
use super::wire::{Wire, foxdata_page};

/// A terminal and the process that writes to it; killed when dropped.
struct Terminal {
    child: Child,
    master: File,
    /// Of a character that has not come whole.
    bytes: Vec<u8>,
    screen: Screen,
}

/// Lines as a person sees them; of the codes only those that move the cursor and clear are known.
struct Screen {
    width: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// A code that has begun.
    code: Option<String>,
}

impl Screen {
    fn take(&mut self, text: &str) {
        for character in text.chars() {
            if let Some(code) = &mut self.code {
                code.push(character);
                if character.is_ascii_alphabetic() {
                    let code = self.code.take().unwrap();
                    self.obey(code.trim_start_matches('['));
                }
                continue;
            }
            match character {
                '\u{1b}' => self.code = Some(String::new()),
                '\r' => self.column = 0,
                '\n' => self.down(1),
                other => self.put(other),
            }
        }
    }

    fn put(&mut self, character: char) {
        if self.column == self.width {
            self.down(1);
            self.column = 0;
        }
        let line = &mut self.lines[self.row];
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = character;
        self.column += 1;
    }

    fn down(&mut self, lines: usize) {
        self.row += lines;
        self.lines.resize(self.lines.len().max(self.row + 1), Vec::new());
    }

    fn obey(&mut self, code: &str) {
        let (number, letter) = code.split_at(code.len() - 1);
        let count = number.parse().unwrap_or(1);
        match letter {
            "A" => self.row = self.row.saturating_sub(count),
            "B" => self.down(count),
            "K" if number == "2" => self.lines[self.row].clear(),
            "K" => self.lines[self.row].truncate(self.column),
            "m" => {}
            other => panic!("unknown code {number}{other}"),
        }
    }

    /// As terminals do: what is too long now goes on in lines of its own.
    fn narrow(&mut self, width: usize) {
        let mut lines = Vec::new();
        for (index, line) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            let first = lines.len();
            lines.extend(line.chunks(width).map(<[char]>::to_vec));
            lines.resize(lines.len().max(first + 1), Vec::new());
            if index == self.row {
                // Behind the last character of a full line the cursor has not wrapped yet.
                let wraps = self.column.saturating_sub(1) / width;
                (self.row, self.column) = (first + wraps, self.column - wraps * width);
                self.lines = lines.clone();
            }
        }
        (self.lines, self.width) = (lines, width);
    }

    fn text(&self) -> Vec<String> {
        let lines = self.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }
}

impl Terminal {
    /// Starts `command` with its stderr on a terminal `width` wide.
    fn start(mut command: Command, width: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let master = File::from(master);
        let screen = Screen { width: width.into(), lines: vec![Vec::new()], row: 0, column: 0, code: None };
        resize(&master, width);
        let child = command.env("TERM", "xterm").stdout(Stdio::piped()).stderr(slave).spawn().unwrap();
        Self { child, master, bytes: Vec::new(), screen }
    }

    /// Reads until the screen is as wanted; everything that is shown when the process ends before.
    fn wait_until(&mut self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut piece = [0; 4096];
        loop {
            let text = self.screen.text();
            if self.bytes.is_empty() && wanted(&text) {
                return text;
            }
            // When the other side is closed reading fails.
            let length = self.master.read(&mut piece).unwrap_or(0);
            if length == 0 {
                return self.screen.text();
            }
            self.take(&piece[..length]);
        }
    }

    fn take(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        let whole = std::str::from_utf8(&self.bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let text = String::from_utf8(self.bytes.drain(..whole).collect()).unwrap();
        self.screen.take(&text);
    }

    /// Makes the terminal narrower while the process stands still and all it has written is shown: whatever else is on
    /// its way at that moment no terminal gets right.
    fn narrow(&mut self, width: u16) {
        self.signal("STOP");
        let state = format!("/proc/{}/stat", self.child.id());
        while !std::fs::read_to_string(&state).unwrap().contains(") T ") {
            std::thread::yield_now();
        }
        while ioctl_fionread(&self.master).unwrap() > 0 {
            let mut piece = [0; 4096];
            let length = self.master.read(&mut piece).unwrap();
            self.take(&piece[..length]);
        }
        resize(&self.master, width);
        self.screen.narrow(width.into());
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn resize(master: &File, width: u16) {
    tcsetwinsize(master, Winsize { ws_row: 24, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

#[test]
fn bars_are_drawn_in_place_and_what_is_said_stands_above_them() {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.ranks("ranks", 1, 3);
    let wire = Wire::new();
    // Should the screen never be as it must, the run ends by itself.
    let ends = ["--deadline", "30s", "--set=provider.foxdata.timeout=30s"];
    let call = [&["run", "ranks.toml", &wire.set("foxdata"), "--set=provider.foxdata.limits.concurrency=1"], &ends[..]];
    let call = call.concat();
    let mut terminal = Terminal::start(place.command(&call), 100);
    let asked = wire.accept();
    let shown = terminal.wait_until(|lines| lines.len() == 2 && lines[1].contains("1 in flight"));
    assert!(shown[0].starts_with("ranks  ░") && shown[0].contains("  0/3    0 %"), "{shown:#?}");
    assert!(shown[1].starts_with("quota foxdata  1/1,000,000 day · "), "{shown:#?}");
    asked.answer("200 OK", "", &foxdata_page("[]"));
    let asked = wire.accept();
    let shown = terminal.wait_until(|lines| lines.len() == 2 && lines[0].contains("  1/3   33 %  "));
    assert_eq!(shown.len(), 2, "drawn over what was there: {shown:#?}");
    terminal.narrow(30);
    let shown = terminal.wait_until(|lines| lines.len() == 2 && lines.iter().all(|line| line.chars().count() < 30));
    assert!(shown.len() == 2 && shown[0].starts_with("ranks   33 %"), "nothing of the wide lines is left: {shown:#?}");
    terminal.signal("INT");
    let shown = terminal.wait_until(|lines| lines.concat().contains("leave at once)") && lines.len() == 6);
    assert!(shown[0].starts_with("ending: ") && shown[4].starts_with("ranks   33 %"), "{shown:#?}");
    asked.answer("200 OK", "", &foxdata_page("[]"));
    let shown = terminal.wait_until(|_| false);
    // The summary went elsewhere: the last state stays, the limits do not, and what comes next is said below.
    assert!(shown.len() == 6 && shown[4].starts_with("ranks   66 %  stopped"), "{shown:#?}");
    assert!(shown[5].starts_with("next: "), "{shown:#?}");
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let place = Place::new();
    place.ranks("ranks", 1, 1);
    let mut command = place.command(&["run", "ranks.toml", "--simulate", "--color", "never"]);
    command.env("CLICOLOR_FORCE", "1");
    let mut terminal = Terminal::start(command, 200);
    let shown = terminal.wait_until(|_| false);
    assert!(shown.len() == 2 && shown[0].contains("done") && shown[1].starts_with("next: "), "{shown:#?}");
    let mut command = Command::new("sh");
    command.arg("-c").arg("TERM=dumb exec \"$0\" run ranks.toml --simulate --refetch");
    command.arg(env!("CARGO_BIN_EXE_tidemill")).current_dir(place.path()).env_clear().stdin(Stdio::null());
    let mut terminal = Terminal::start(command, 200);
    let shown = terminal.wait_until(|_| false);
    assert!(shown[0].contains("Z ranks start, "), "{shown:#?}");
    for (call, colored) in [
        (&["--help"][..], false),
        (&["--color", "always", "run", "--help"], true),
        (&["run", "--nonsense", "--color=always"], true),
        (&["run", "--nonsense", "--color=never"], false),
        (&["run", "--", "--color=always"], false),
    ] {
        let ended = place.tidemill(call);
        assert_eq!((ended.out + &ended.err).contains('\u{1b}'), colored, "{call:?}");
    }
}
