//! Sigma rules in any number, to see what one more costs: half look for a call, half for a call
//! with a text in its request, as public rules do.
//! They match some records and not most, and mean nothing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Services and verbs that calls are made of.
const SERVICES: [&str; 10] =
    ["iam", "s3", "ec2", "kms", "sts", "lambda", "cloudtrail", "config", "guardduty", "rds"];
const VERBS: [&str; 8] =
    ["Create", "Delete", "Put", "Update", "Attach", "Detach", "Modify", "Stop"];
const THINGS: [&str; 12] = [
    "User", "Role", "Policy", "Bucket", "Key", "Trail", "Detector", "Instance", "Snapshot",
    "Function", "Rule", "Group",
];

/// Writes so many rules below a folder, ten a file.
pub(crate) fn write(folder: &Path, count: usize) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let mut text = String::new();
    for n in 0..count {
        if n % 10 != 0 {
            text.push_str("---\n");
        }
        rule(&mut text, n)?;
        if n % 10 == 9 || n + 1 == count {
            std::fs::write(folder.join(format!("rules-{:04}.yml", n / 10)), &text)?;
            text.clear();
        }
    }
    Ok(folder.to_owned())
}

fn rule(text: &mut String, n: usize) -> anyhow::Result<()> {
    let pick = |list: &'static [&'static str], step: usize| {
        list.get((n / step) % list.len()).copied().unwrap_or_default()
    };
    let (service, verb) = (pick(&SERVICES, 1), pick(&VERBS, 10));
    let thing = pick(&THINGS, 80);
    writeln!(text, "title: {verb} {thing} by {service} ({n})")?;
    writeln!(text, "id: 00000000-0000-4000-8000-{n:012}")?;
    writeln!(text, "logsource: {{product: aws, service: cloudtrail}}")?;
    writeln!(text, "detection:")?;
    writeln!(text, "  selection:")?;
    writeln!(text, "    eventSource: {service}.amazonaws.com")?;
    writeln!(text, "    eventName: [{verb}{thing}, {verb}{thing}V{n}]")?;
    if n % 2 == 1 {
        writeln!(text, "    requestParameters|contains: value-{n}")?;
    }
    writeln!(text, "  condition: selection")?;
    writeln!(text, "level: medium")?;
    Ok(())
}
