//! Syslog: RFC 5424 and RFC 3164 messages, with or without priority; framed by counted octets
//! or by line ends (RFC 6587).
//! Receiving messages from the network is a feed's business.

use super::output::{Halt, Output};
use super::piece::BadReason;
use super::text::next_line;
use super::window::Window;

/// Digits that a counted frame's length may have.
const LENGTH_DIGITS_MAX: usize = 8;

/// Reads the window to its end. Both framings may alternate.
pub(super) fn run(window: &mut Window<'_>, out: &mut Output<'_>) -> Result<(), Halt> {
    loop {
        window.at_least(LENGTH_DIGITS_MAX + 2)?;
        match counted(window.bytes()) {
            Some((head, length)) if length <= out.limits.record_bytes_max => {
                let whole = window.at_least(head + length)?;
                let offset = window.offset();
                let bytes = window.bytes();
                let frame = bytes.get(head..).unwrap_or_default();
                let frame = frame.get(..length).unwrap_or(frame);
                match std::str::from_utf8(frame) {
                    _ if !whole => out.bad(BadReason::TruncatedRecord, offset, frame)?,
                    Ok(text) => message(text.trim_end_matches('\n'), offset, out)?,
                    Err(_) => out.bad(BadReason::InvalidUtf8, offset, frame)?,
                }
                window.consume(head + length);
            }
            _ => match next_line(window, out, &|_| false)? {
                None => return Ok(()),
                Some(line) if line.text.trim().is_empty() => {}
                Some(line) => message(&line.text, line.offset, out)?,
            },
        }
    }
}

/// A frame's length in front of it: `83 <34>1 …`; answers the bytes of the head and the length.
fn counted(bytes: &[u8]) -> Option<(usize, usize)> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let framed = (1..=LENGTH_DIGITS_MAX).contains(&digits)
        && bytes.get(digits) == Some(&b' ')
        && bytes.get(digits + 1) == Some(&b'<');
    let length = std::str::from_utf8(bytes.get(..digits)?).ok()?.parse().ok()?;
    framed.then_some((digits + 1, length))
}

/// The fields of a message.
#[derive(Default)]
struct Parts<'m> {
    priority: Option<u8>,
    timestamp: Option<&'m str>,
    hostname: Option<&'m str>,
    app_name: Option<&'m str>,
    proc_id: Option<&'m str>,
    msg_id: Option<&'m str>,
    structured_data: Vec<Element<'m>>,
    message: &'m str,
}

struct Element<'m> {
    id: &'m str,
    parameters: Vec<(&'m str, String)>,
}

/// Reads one message.
pub(super) fn message(text: &str, offset: u64, out: &mut Output<'_>) -> Result<(), Halt> {
    let (priority, rest) = priority(text);
    let parts = match rest.strip_prefix("1 ") {
        Some(rest) if priority.is_some() => of_rfc5424(rest),
        _ => of_older(rest, priority.is_some()),
    };
    let Some(parts) = parts.map(|parts| Parts { priority, ..parts }) else {
        return out.bad(BadReason::MalformedSyslog, offset, text.as_bytes());
    };
    let builder = &mut out.builder;
    builder.begin_record(text);
    if let Some(priority) = parts.priority {
        builder.field("facility", &(priority / 8).to_string());
        builder.field("severity", &(priority % 8).to_string());
    }
    for (name, value) in [
        ("timestamp", parts.timestamp),
        ("hostname", parts.hostname),
        ("app_name", parts.app_name),
        ("proc_id", parts.proc_id),
        ("msg_id", parts.msg_id),
    ] {
        match value {
            Some(value) => builder.field(name, value),
            None => builder.null_field(name),
        }
    }
    if !parts.structured_data.is_empty() {
        builder.begin_object("structured_data");
        for element in &parts.structured_data {
            builder.begin_object(element.id);
            for (name, value) in &element.parameters {
                builder.field(name, value);
            }
            builder.end_container();
        }
        builder.end_container();
    }
    builder.field("message", parts.message);
    builder.end_record();
    out.added()
}

/// `<34>`; answers it and what follows.
fn priority(text: &str) -> (Option<u8>, &str) {
    let parsed = text.strip_prefix('<').and_then(|rest| {
        let (number, rest) = rest.split_once('>')?;
        let short = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse::<u8>().ok().filter(|number| short && *number <= 191)?;
        Some((number, rest))
    });
    match parsed {
        Some((number, rest)) => (Some(number), rest),
        None => (None, text),
    }
}

/// After `<PRI>1 `: time, host, application, process, message id, structured data, message.
fn of_rfc5424(text: &str) -> Option<Parts<'_>> {
    let mut rest = text;
    let mut word = || {
        let (word, tail) = rest.split_once(' ')?;
        rest = tail;
        (!word.is_empty()).then_some(word)
    };
    let words = [word()?, word()?, word()?, word()?, word()?];
    let [timestamp, hostname, app_name, proc_id, msg_id] =
        words.map(|word| Some(word).filter(|word| *word != "-"));
    let (structured_data, rest) = structured_data(rest)?;
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Parts {
        timestamp,
        hostname,
        app_name,
        proc_id,
        msg_id,
        structured_data,
        message,
        ..Parts::default()
    })
}

/// `-` or `[id name="value" …]…`; answers what follows, too.
fn structured_data(text: &str) -> Option<(Vec<Element<'_>>, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return (rest.is_empty() || rest.starts_with(' ')).then_some((Vec::new(), rest));
    }
    let mut elements = Vec::new();
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let end = inner.find([' ', ']'])?;
        let (id, mut tail) = inner.split_at(end);
        let mut parameters = Vec::new();
        while let Some(parameter) = tail.strip_prefix(' ') {
            let (name, value) = parameter.split_once("=\"")?;
            let (value, after) = parameter_value(value)?;
            parameters.push((name, value));
            tail = after;
        }
        elements.push(Element { id, parameters });
        rest = tail.strip_prefix(']')?;
    }
    let complete = !elements.is_empty() && (rest.is_empty() || rest.starts_with(' '));
    complete.then_some((elements, rest))
}

/// A parameter's value up to its closing quote; `"`, `\` and `]` within have a `\` before them.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => match chars.next()? {
                c @ ('"' | '\\' | ']') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
}

/// The older form: `Oct 11 22:14:15 host tag[pid]: message`, also with an RFC 3339 time. With a
/// priority, a message without a time is one too: RFC 3164 says that anything is.
fn of_older(text: &str, prioritized: bool) -> Option<Parts<'_>> {
    let Some((timestamp, rest)) = older_time(text) else {
        return prioritized.then(|| Parts { message: text, ..Parts::default() });
    };
    let (hostname, rest) = rest.split_once(' ')?;
    let (tag, message) = match rest.split_once(": ") {
        Some((tag, message)) if !tag.contains(' ') => (Some(tag), message),
        _ => match rest.strip_suffix(':').filter(|tag| !tag.contains(' ')) {
            Some(tag) => (Some(tag), ""),
            None => (None, rest),
        },
    };
    let (app_name, proc_id) = match tag.map(|tag| tag.strip_suffix(']').unwrap_or(tag)) {
        Some(tag) => match tag.split_once('[') {
            Some((name, process)) => (Some(name), Some(process)),
            None => (Some(tag), None),
        },
        None => (None, None),
    };
    let (timestamp, hostname) = (Some(timestamp), Some(hostname));
    Some(Parts { timestamp, hostname, app_name, proc_id, message, ..Parts::default() })
}

fn older_time(text: &str) -> Option<(&str, &str)> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if let Some(time) = text.get(..15)
        && let Some(rest) = text.get(15..).and_then(|rest| rest.strip_prefix(' '))
    {
        let shape = time.bytes().enumerate().all(|(at, byte)| match at {
            0..3 => byte.is_ascii_alphabetic(),
            3 | 6 => byte == b' ',
            4 => byte == b' ' || byte.is_ascii_digit(),
            9 | 12 => byte == b':',
            _ => byte.is_ascii_digit(),
        });
        let month = time.get(..3).and_then(|month| MONTHS.find(month));
        if shape && month.is_some_and(|at| at % 3 == 0) {
            return Some((time, rest));
        }
    }
    let (time, rest) = text.split_once(' ')?;
    let bytes = time.as_bytes();
    let rfc3339 = bytes.len() >= 20
        && matches!(bytes.get(4), Some(b'-'))
        && matches!(bytes.get(10), Some(b'T'))
        && bytes.first_chunk::<4>().is_some_and(|year| year.iter().all(u8::is_ascii_digit));
    rfc3339.then_some((time, rest))
}
