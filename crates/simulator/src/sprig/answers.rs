//! What answers hold: every shape of `response`; section 3.2.3 of the reference.

use serde_json::{Map, Value, json};

use super::{
    surveys::OPTIONS,
    values::{DAY_MS, END_MS, TEXTS, below, free_form, iso, number},
};
use crate::core::{scenario::Switches, seed::Seed};

/// A `response` with the `selectedIndexes` that go with it; none unless a choice question.
pub(super) fn response(
    switches: &Switches,
    numbers: &mut Seed,
    kind: &str,
    at: i64,
) -> (Value, Option<Value>) {
    let is_choice = matches!(kind, "MULTIPLECHOICE" | "MULTIPLESELECT");
    if numbers.chance(5) {
        return (Value::Null, is_choice.then(|| json!([])));
    }
    match kind {
        "OPEN" => (json!(*numbers.pick(TEXTS)), None),
        "NPS" => (scale(switches, numbers, 0, 10), None),
        "LIKERT" => (scale(switches, numbers, 1, 5), None),
        "MULTIPLECHOICE" => one_choice(switches, numbers),
        "MULTIPLESELECT" => some_choices(switches, numbers),
        "MATRIX" => (matrix(numbers), None),
        "RANKORDER" => (ranks(switches, numbers), None),
        "MAXDIFF" => (sets(switches, numbers), None),
        "CONSENTLEGAL" if numbers.chance(30) => {
            (json!({ "submitted": true, "name": { "typed": "Zoë O'Neill", "at": [1, {}] } }), None)
        }
        "CONSENTLEGAL" => (json!({ "submitted": numbers.chance(80) }), None),
        "TEXTURLPROMPT" if numbers.chance(20) => (json!({ "skipped": true }), None),
        "TEXTURLPROMPT" => (Value::Null, None),
        "VIDEOVOICE" => (media(numbers, at), None),
        "RECORDEDTASK" => {
            let status = *numbers.pick(&["completed", "given.up", "abandoned"]);
            (json!({ "taskStatus": status, "durationMs": below(numbers, 90_000), "clips": [] }), None)
        }
        _ => (unheard_of(numbers), None),
    }
}

fn scale(switches: &Switches, numbers: &mut Seed, from: i64, to: i64) -> Value {
    let value = from + below(numbers, to - from + 1);
    if numbers.chance(6) { json!(value.to_string()) } else { number(switches, value, false) }
}

fn index(switches: &Switches, option: usize) -> Value {
    let base = if switches.get("index_base") == "0" { 0 } else { 1 };
    number(switches, i64::try_from(option).unwrap_or(0) + base, false)
}

fn one_choice(switches: &Switches, numbers: &mut Seed) -> (Value, Option<Value>) {
    let option = usize::try_from(numbers.below(OPTIONS.len() as u64)).unwrap_or(0);
    let label = if numbers.chance(10) { "Other: something ~ else" } else { OPTIONS[option] };
    let selected = index(switches, option);
    (json!(label), Some(if numbers.chance(15) { json!([selected]) } else { selected }))
}

fn some_choices(switches: &Switches, numbers: &mut Seed) -> (Value, Option<Value>) {
    let chosen: Vec<usize> = (0..OPTIONS.len()).filter(|_| numbers.chance(50)).collect();
    let labels: Vec<&str> = chosen.iter().map(|&option| OPTIONS[option]).collect();
    let selected: Vec<Value> = chosen.iter().map(|&option| index(switches, option)).collect();
    let response = match switches.get("multiselect") {
        "array" => json!(labels),
        "joined" => json!(labels.join(", ")),
        _ => json!(labels.first()),
    };
    (response, Some(Value::from(selected)))
}

fn matrix(numbers: &mut Seed) -> Value {
    let mut cells = Map::new();
    for row in ["Search", "Billing", "1. Größe / dots.in.key", ""] {
        let cell = match numbers.below(5) {
            0 => json!("3 - Neutral"),
            1 => json!("2"),
            2 => json!("5 - Très bien"),
            3 => Value::Null,
            _ => continue,
        };
        cells.insert(row.to_owned(), cell);
    }
    Value::Object(cells)
}

fn ranks(switches: &Switches, numbers: &mut Seed) -> Value {
    let turn = usize::try_from(numbers.below(OPTIONS.len() as u64)).unwrap_or(0);
    let labels = OPTIONS.iter().cycle().skip(turn).take(OPTIONS.len());
    let ranked = labels.zip(1..).map(|(label, rank)| ((*label).to_owned(), number(switches, rank, false)));
    Value::Object(ranked.collect())
}

fn sets(switches: &Switches, numbers: &mut Seed) -> Value {
    let sets = (0..numbers.below(4)).map(|_| {
        let best = below(numbers, 3);
        let shown = OPTIONS.iter().zip(0_i64..).take(4).map(|(label, place)| {
            let selected = match place - best {
                0 => json!("left"),
                1 => json!("right"),
                _ => Value::Null,
            };
            json!({ "id": number(switches, 9000 + place, false), "option": label, "selected": selected })
        });
        shown.collect::<Vec<_>>()
    });
    Value::from(sets.map(Value::from).collect::<Vec<_>>())
}

/// A recording; one in three has not been transcribed yet, or lacks members.
fn media(numbers: &mut Seed, at: i64) -> Value {
    let upload = numbers.hex(6);
    let changed = (at + below(numbers, 600 * DAY_MS)).min(END_MS);
    match numbers.below(6) {
        0 => json!({ "mediaType": "voice", "duration": null, "transcription": null, "uploadId": upload }),
        1 => json!({ "mediaType": "video", "duration": 0.0, "transcription": null, "uploadId": upload,
            "videoUrl": null, "downloadUrl": null, "updatedAt": iso(at) }),
        _ => json!({ "mediaType": "video", "duration": 18.4, "uploadId": upload,
            "transcription": "So this is where I work… 作業場",
            "videoUrl": format!("https://media.example.com/v/{upload}"),
            "downloadUrl": format!("https://media.example.com/v/{upload}/high.mp4"),
            "updatedAt": iso(changed) }),
    }
}

/// The answer to a question of a newer type: any JSON at all.
fn unheard_of(numbers: &mut Seed) -> Value {
    match numbers.below(4) {
        0 => json!(true),
        1 => json!(2.5),
        _ => free_form(numbers),
    }
}
