//! Groups of flags that several commands take.
//! What they lead to is in the commands and in `crate::river`.

use std::path::PathBuf;

use clap::Args;
use yagura_report::Format;

/// How AWS is reached, and which part of it is read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AwsOptions {
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    #[arg(long, value_name = "NAME", default_value = "YaguraRead")]
    pub(crate) role: String,
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) calls_per_second: Option<u32>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) concurrency: Option<u32>,
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) deadline: Option<u64>,
}

/// Which accounts and regions.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Reach {
    #[arg(long, value_name = "IDS", value_delimiter = ',', value_parser = account_id)]
    pub(crate) accounts: Vec<String>,
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) regions: Vec<String>,
}

/// How a scan's result is written, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct ResultOptions {
    #[arg(long, value_name = "FORMAT", value_parser = result_format, default_value = "table")]
    pub(crate) format: Format,
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[arg(long)]
    pub(crate) all: bool,
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<yagura_model::Severity>,
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
}

/// How rows are written by commands that look things up.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RowOptions {
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = RowFormat::Table)]
    pub(crate) format: RowFormat,
}

/// The formats of commands that look things up.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowFormat {
    Table,
    Plain,
    Json,
}

/// Which lake, and how much memory its work may take.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LakeChoice {
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) lake: Option<String>,
    #[arg(long, value_name = "SIZE", value_parser = size_bytes)]
    pub(crate) memory: Option<u64>,
}

/// A span of time, half-open.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Span {
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Reads a size: `512MB`, `2GB`, `64 KiB`; a number alone is megabytes.
pub(crate) fn size_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_bytes: u64 = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "MB" | "M" => 1_000_000,
        "KB" | "K" => 1_000,
        "GB" | "G" => 1_000_000_000,
        "TB" | "T" => 1_000_000_000_000,
        "KIB" => 1 << 10,
        "MIB" => 1 << 20,
        "GIB" => 1 << 30,
        "TIB" => 1 << 40,
        _ => return Err("a size is a number and a unit: 512MB, 2GB, 1GiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a size begins with a number".to_owned())?;
    number.checked_mul(unit_bytes).ok_or_else(|| "the size is too large".to_owned())
}

/// Reads an account id.
pub(crate) fn account_id(text: &str) -> Result<String, String> {
    let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.to_owned()) } else { Err("an account id has twelve digits".to_owned()) }
}

fn result_format(text: &str) -> Result<Format, String> {
    text.parse::<Format>().map_err(|error| error.to_string())
}

/// Reads a severity by its word.
pub(crate) fn severity(text: &str) -> Result<yagura_model::Severity, String> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let check = |text: &str, bytes: u64| assert_eq!(size_bytes(text), Ok(bytes), "{text}");
        check("256", 256_000_000);
        check("512MB", 512_000_000);
        check("2 gb", 2_000_000_000);
        check("1GiB", 1 << 30);
        for text in ["", "MB", "-1MB", "1.5GB", "12XB", "99999999999999TB"] {
            assert!(size_bytes(text).is_err(), "{text}");
        }
    }
}
