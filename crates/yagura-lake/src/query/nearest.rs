//! Which known name was probably meant by an unknown one.
//! Case, underscores and a few letters may differ.

/// At most three names that are close to `name`, the closest first.
pub(crate) fn nearest(name: &str, all: &[String]) -> Vec<String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = plain(name);
    let mut scored: Vec<(usize, &String)> = all
        .iter()
        .filter_map(|candidate| {
            let known = plain(candidate);
            let allowed = (wanted.chars().count().max(known.chars().count()) / 3).max(1);
            let distance = distance(&wanted, &known);
            if distance <= allowed {
                Some((distance, candidate))
            } else if wanted.len() >= 3 && (known.contains(&wanted) || wanted.contains(&known)) {
                Some((allowed + 1, candidate))
            } else {
                None
            }
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

/// The number of letters to insert, remove, change or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut further: Option<(char, Vec<usize>)> = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + 1)
                .min(at(&above, j + 1) + 1)
                .min(at(&above, j) + usize::from(x != *y));
            let before = j.checked_sub(1).and_then(|j| b.get(j));
            if let (Some((last, rows)), Some(before)) = (&further, before)
                && *last == *y
                && x == *before
            {
                best = best.min(at(rows, j - 1) + 1);
            }
            row.push(best);
        }
        further = Some((x, std::mem::replace(&mut above, row)));
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let all: Vec<String> =
            ["cloudtrail", "vpc_flow", "events", "aws_s3_bucket"].map(Into::into).into();
        let check = |name: &str, expected: &[&str]| assert_eq!(nearest(name, &all), expected);
        check("cloudtrial", &["cloudtrail"]);
        check("CloudTrail", &["cloudtrail"]);
        check("vpcflow", &["vpc_flow"]);
        check("event", &["events"]);
        check("bucket", &["aws_s3_bucket"]);
        check("zzzzzz", &[]);
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("trial", "trail"), 1);
    }
}
