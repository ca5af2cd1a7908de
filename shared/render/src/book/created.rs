//! A creation date as PDF writes it.

use krilla::metadata::DateTime;

const SECONDS_A_DAY: i64 = 86_400;

/// The date and time in UTC of a number of seconds since 1970.
pub(crate) fn civil(unix_s: i64) -> DateTime {
    let (days, second) = (
        unix_s.div_euclid(SECONDS_A_DAY),
        unix_s.rem_euclid(SECONDS_A_DAY),
    );
    let (year, month, day) = date(days);
    DateTime::new(year.clamp(0, 9999) as u16)
        .month(month)
        .day(day)
        .hour((second / 3600) as u8)
        .minute((second / 60 % 60) as u8)
        .second((second % 60) as u8)
        .utc_offset_hour(0)
}

/// Year, month and day of a number of days since 1970, after Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`.
fn date(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_calendars_count_them() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(-1), (1969, 12, 31));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_779), (2026, 11, 22));
    }
}
