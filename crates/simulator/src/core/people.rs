//! Invented people, all at `example.com`.
//!
//! Person `n` is the same person at every vendor, so that the same e-mail address turns up in several sources.

use super::seed::Seed;

const GIVEN: &[&str] = &[
    "Ada", "Bram", "Chloé", "Dario", "Eno", "Femke", "Goran", "Hana", "Imani", "Jörg", "Kaito", "Léa",
    "Mina", "Noor", "Óscar", "Piet", "Quinn", "Rosa", "Søren", "Tomas", "Uma", "Vera", "Wanda", "Ximena",
    "Yusuf", "Zoë", "李娜",
];
const FAMILY: &[&str] = &[
    "Alder",
    "Brandt",
    "Castillo",
    "Dubois",
    "Eze",
    "Fischer",
    "García",
    "Haugen",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Müller",
    "Novák",
    "O'Neill",
    "Okoro",
    "Park",
    "Quist",
    "Rossi",
    "Sato",
    "Tran",
    "Ueda",
    "Vos",
    "Weber",
];

/// An invented person.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Position, from 0.
    pub(crate) number: usize,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    /// Lower case, unique, at `example.com`.
    pub(crate) email: String,
    /// The customer's own id of the person, unique, such as `emp-00042`.
    pub(crate) external_id: String,
}

/// Person `number` of the world that `seed` makes.
pub(crate) fn person(seed: u64, number: usize) -> Person {
    let mut numbers = Seed::of(seed, "person", number as u64);
    let first_name = (*numbers.pick(GIVEN)).to_owned();
    let last_name = (*numbers.pick(FAMILY)).to_owned();
    Person {
        number,
        first_name,
        last_name,
        email: format!("person{number}@example.com"),
        external_id: format!("emp-{number:05}"),
    }
}
