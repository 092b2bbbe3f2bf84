//! Numbers and times as logs write them.
//! Which of these ways a record used is told by its blanks (`blank.rs`).

/// The digits of a number, at the end of the space given.
pub(super) fn decimal(number: i64, digits: &mut [u8; 20]) -> &[u8] {
    let mut left = number.unsigned_abs();
    let mut from = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        from -= 1;
        if left == 0 {
            break;
        }
    }
    if number < 0
        && let Some(before) = from.checked_sub(1)
        && let Some(sign) = digits.get_mut(before)
    {
        *sign = b'-';
        from = before;
    }
    digits.get(from..).unwrap_or_default()
}

/// A time in whole seconds, `2026-11-21T05:12:01Z`; none with a fraction, before 1970 or after
/// the year 9999.
pub(super) fn iso(micros: i64) -> Option<[u8; 20]> {
    const YEAR_10000: i64 = 253_402_300_800;
    let seconds = micros / 1_000_000;
    if micros % 1_000_000 != 0 || !(0..YEAR_10000).contains(&seconds) {
        return None;
    }
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have their leap day at the end; eras are of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, turn) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year_of_era + turn;
    let mut text = *b"0000-00-00T00:00:00Z";
    let numbers = [
        (year / 100, 0),
        (year % 100, 2),
        (month, 5),
        (day, 8),
        (clock / 3_600, 11),
        (clock / 60 % 60, 14),
        (clock % 60, 17),
    ];
    for (number, at) in numbers {
        let number = u8::try_from(number).ok()?;
        *text.get_mut(at)? = b'0' + number / 10;
        *text.get_mut(at + 1)? = b'0' + number % 10;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges_of_times_are_kept() {
        let check = |seconds: i64, expected: Option<&str>| {
            let text = iso(seconds * 1_000_000).map(|text| String::from_utf8(text.into()).unwrap());
            assert_eq!(text.as_deref(), expected, "{seconds}");
        };
        check(0, Some("1970-01-01T00:00:00Z"));
        check(951_782_400, Some("2000-02-29T00:00:00Z"));
        check(253_402_300_799, Some("9999-12-31T23:59:59Z"));
        check(253_402_300_800, None);
        check(-1, None);
        assert_eq!(iso(1), None);
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_the_library_writes_it(seconds in 0..253_402_300_800_i64) {
            let text = iso(seconds * 1_000_000).unwrap();
            let expected = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        }

        #[test]
        fn a_number_is_written_as_the_library_writes_it(number: i64) {
            let (mut digits, written) = ([0; 20], number.to_string());
            prop_assert_eq!(decimal(number, &mut digits), written.as_bytes());
        }
    }
}
