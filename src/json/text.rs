//! Escapes of strings.

/// Appends what the inside of a checked string says. False when it holds half of a surrogate pair, which JSON allows and
/// no text can hold: U+FFFD stands for it.
pub(super) fn unescape(inside: &str, out: &mut String) -> bool {
    let mut rest = inside;
    let mut whole = true;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or_default();
        let (character, length) = match escape {
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'u' => unicode(&rest[at..]).unwrap_or_else(|| {
                whole = false;
                (char::REPLACEMENT_CHARACTER, 6)
            }),
            other => (char::from(other), 2),
        };
        out.push(character);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    whole
}

/// The character that `\uXXXX`, or two of them, stand for, and how many bytes they take.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |from: usize| u16::from_str_radix(text.get(from..from + 6)?.strip_prefix("\\u")?, 16).ok();
    let first = unit(0)?;
    match char::from_u32(first.into()) {
        Some(character) => Some((character, 6)),
        None => Some((char::decode_utf16([first, unit(6)?]).next()?.ok()?, 12)),
    }
}
