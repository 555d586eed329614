//! What `--json` prints of files that are under way.

use serde_json::{Map, Value, json};

use crate::files::{About, Direction, Done, Ending, News, Over, Pace, Route, Stage, UnderWay, What};

/// What happened to a transfer.
pub(super) fn transfer(news: &News) -> Value {
    let mut object = about(&news.about);
    let (state, more) = match &news.what {
        What::Asked { bytes_free, bytes_proven } => {
            ("asked", json!({ "bytes-free": bytes_free, "bytes-there": bytes_proven }))
        }
        What::Offered => ("offered", json!({})),
        What::Accepted => ("accepted", json!({})),
        What::Relayed => ("relayed", json!({})),
        What::Moving(stage, pace) => (name_of(*stage), self::pace(pace)),
        What::Done(Done { took, bytes_resumed, path }) => {
            let path = path.as_ref().map(|path| path.to_string_lossy());
            let seconds = took.as_secs_f64();
            ("done", json!({ "seconds": seconds, "bytes-there": bytes_resumed, "path": path }))
        }
        What::Over(Over { ending, why }) => {
            let state = match ending {
                Ending::Refused => "refused",
                Ending::Cancelled | Ending::CancelledThere => "cancelled",
                Ending::Failed => "failed",
            };
            (state, json!({ "text": why, "by-other": *ending == Ending::CancelledThere }))
        }
    };
    add(&mut object, state, more)
}

/// A transfer that is under way.
pub(super) fn under_way(one: &UnderWay) -> Value {
    let mut more = pace(&one.pace);
    if let Some(more) = more.as_object_mut() {
        more.insert("relayed".to_owned(), json!(one.route == Route::Relayed));
        more.insert("listed".to_owned(), json!(true));
    }
    add(&mut about(&one.about), name_of(one.stage), more)
}

fn about(about: &About) -> Map<String, Value> {
    let About { number, direction, user, name, bytes } = about;
    let direction = match direction {
        Direction::Out => "out",
        Direction::In => "in",
    };
    let fields = [
        ("type", json!("transfer")),
        ("number", json!(number)),
        ("direction", json!(direction)),
        ("user", json!(user)),
        ("file", json!(name)),
        ("bytes", json!(bytes)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

const fn name_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Hashing => "reading",
        Stage::NoServer => "waiting",
        Stage::Offered => "offered",
        Stage::Asked => "asked",
        Stage::Connecting => "connecting",
        Stage::Moving => "moving",
        Stage::Finishing => "finishing",
    }
}

fn pace(pace: &Pace) -> Value {
    let Pace { bytes_done, bytes_total: _, rate, left } = pace;
    json!({
        "bytes-done": bytes_done, "bytes-a-second": rate, "seconds-left": left.map(|left| left.as_secs()),
    })
}

fn add(object: &mut Map<String, Value>, state: &str, more: Value) -> Value {
    object.insert("state".to_owned(), json!(state));
    if let Value::Object(more) = more {
        object.extend(more);
    }
    Value::Object(std::mem::take(object))
}
