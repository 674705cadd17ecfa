//! Made-up people. Row `n` is a function of `n` and the shape alone, so that every page can be made at any time and every
//! output can be checked without keeping the input.

use std::fmt::Write as _;

use crate::shape::Shape;

const GIVEN: [&str; 16] = [
    "Imani", "Piet", "Ada", "Noor", "Bram", "Chidi", "Elif", "Femke", "Goran", "Hana", "Ivo", "Jana", "Kofi",
    "Lena", "Mateo", "Nils",
];
const FAMILY: [&str; 16] = [
    "Okoro", "Vos", "Lind", "Haddad", "Maas", "Eze", "Demir", "Prins", "Kovac", "Sato", "Horvat", "Novak",
    "Mensah", "Berg", "Rossi", "Dahl",
];
const FOREIGN: [&str; 8] =
    ["Łukasz", "Søren", "Zoë", "Ольга", "محمد", "山田", "Ngô Đức", "Ren\\u00e9e \\ud83d\\ude80"];
const PLACES: [&str; 8] = ["Utrecht", "London", "Lagos", "Izmir", "Zagreb", "Osaka", "Accra", "Turin"];
const TITLES: [&str; 8] = [
    "Service Engineer",
    "Account Manager",
    "Nurse",
    "Team Lead",
    "Driver",
    "Analyst",
    "Shop Assistant",
    "Warden",
];
const ROLES: [&str; 4] = ["learner", "learner", "learneradmin", "administrator"];
const STATUSES: [&str; 4] = ["active", "active", "inactive", "new"];
const ZONES: [&str; 4] = ["Europe/Amsterdam", "Europe/London", "Africa/Lagos", "Asia/Tokyo"];
const LANGUAGES: [&str; 4] = ["en-gb", "nl-nl", "tr-tr", "ja-jp"];

/// A stream of numbers that depends on the row alone (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.next() % words.len() as u64).unwrap_or(0)]
    }

    /// An instant of 2024 or 2025.
    fn instant(&mut self) -> String {
        let (year, month, day) = (2024 + self.below(2), 1 + self.below(12), 1 + self.below(28));
        let (hour, minute, second, milli) =
            (self.below(24), self.below(60), self.below(60), self.below(1000));
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// The id of a row: 24 hex digits, as the vendor's are.
#[must_use]
pub fn id(row: u64) -> String {
    format!("65f0a1c2{row:016x}")
}

/// Appends row `row` as a JSON object.
pub fn append(row: u64, shape: Shape, page: &mut String) {
    write_row(row, shape, page).expect("a String takes all text");
}

fn write_row(row: u64, shape: Shape, page: &mut String) -> std::fmt::Result {
    let mut dice = Dice(row.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let (given, family) = if shape == Shape::Unicode {
        (dice.of(&FOREIGN), dice.of(&FOREIGN))
    } else {
        (dice.of(&GIVEN), dice.of(&FAMILY))
    };
    let id = id(row);
    write!(
        page,
        r#"{{"id":"{id}","ref":"HR-{row:08}","firstName":"{given}","lastName":"{family}","email":"person.{row}@example.com","#
    )?;
    write!(page, r#""role":"{}","status":"{}","#, dice.of(&ROLES), dice.of(&STATUSES))?;
    write!(
        page,
        r#""positions":[{{"id":"{id}","manager":{{"id":"{}","name":"{} {}","ref":"HR-{:08}"}},"ouId":"65e9b7{:04x}","title":"{}","isActive":true,"startDate":"{}","endDate":null}}],"#,
        self::id(row / 10),
        dice.of(&GIVEN),
        dice.of(&FAMILY),
        row / 10,
        dice.below(0x10000),
        dice.of(&TITLES),
        dice.instant(),
    )?;
    write!(
        page,
        r#""additionalFields":{{"location":"{}","team":"Field {}"}},"languageCode":"{}","#,
        dice.of(&PLACES),
        dice.below(40),
        dice.of(&LANGUAGES),
    )?;
    write!(
        page,
        r#""deleted":{},"compliance":{}.{},"level":{},"#,
        dice.below(50) == 0,
        dice.below(100),
        dice.below(10),
        dice.below(12),
    )?;
    write!(
        page,
        r#""firstLogin":"{}","lastLogin":"{}","tags":{{"skills":["first aid","negotiation {}"]}},"#,
        dice.instant(),
        dice.instant(),
        dice.below(30),
    )?;
    write!(page, r#""createdAt":"{}","updatedAt":"{}","#, dice.instant(), dice.instant())?;
    write!(
        page,
        r#""hasPicture":{},"timeZone":"{}","summary":null,"relevancy":{},"#,
        dice.below(2) == 0,
        dice.of(&ZONES),
        dice.below(100),
    )?;
    write!(
        page,
        r#""rank":{{"currentCategory":{},"currentLevel":{}}},"onboarded":{},"audiences":["65f8c5361b9c80d3{:08x}"],"singleSignOn":true"#,
        dice.below(5),
        dice.below(9),
        dice.below(3) > 0,
        dice.below(200),
    )?;
    match shape {
        Shape::Users => {}
        Shape::Unicode => write!(
            page,
            r#","bio":"{} – “{}”\n{}""#,
            dice.of(&FOREIGN),
            dice.of(&FOREIGN),
            dice.of(&FOREIGN)
        )?,
        Shape::Wide => {
            for field in 0..20 {
                write!(
                    page,
                    r#","text{field}":"value {}","count{field}":{},"share{field}":0.{:03}"#,
                    dice.below(1000),
                    dice.below(1_000_000),
                    dice.below(1000),
                )?;
            }
        }
        Shape::Deep => {
            page.push_str(r#","profile":"#);
            for level in 0..8 {
                write!(page, r#"{{"level":{level},"name":"{}","inner":"#, dice.of(&PLACES))?;
            }
            page.push_str("null");
            page.push_str(&"}".repeat(8));
        }
    }
    page.push('}');
    Ok(())
}

/// One page of the list, with the totals beside it. `page` counts from one.
#[must_use]
pub fn page(page: u64, per_page: u64, total: u64, shape: Shape) -> String {
    let first = page.saturating_sub(1).saturating_mul(per_page);
    let last = first.saturating_add(per_page).min(total);
    let mut text =
        String::with_capacity(1024 * usize::try_from(last.saturating_sub(first)).unwrap_or(0) + 128);
    text.push_str(r#"{"results":["#);
    for row in first..last {
        if row > first {
            text.push(',');
        }
        append(row, shape, &mut text);
    }
    let pages = total.div_ceil(per_page);
    write!(
        text,
        r#"],"pagination":{{"totalResults":{total},"totalPages":{pages},"page":{page},"perPage":{per_page}}}}}"#
    )
    .expect("a String takes all text");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_users_has_about_the_size_of_the_yardsticks() {
        let mut text = String::new();
        (0..1000).for_each(|row| append(row, Shape::Users, &mut text));
        let bytes = text.len() / 1000;
        assert!((900..1000).contains(&bytes), "{bytes}");
    }
}
