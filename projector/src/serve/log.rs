//! What the service tells its operator: one line of JSON an event on standard error, without personal data. The time is
//! added by whoever collects them, such as the journal.

use std::io::Write as _;

use schemas::value::Value;
use schemas::visible;

/// Says it; whoever listens may have gone.
pub fn say(event: &str, members: &[(&str, String)]) {
    let mut line: std::collections::BTreeMap<String, Value> =
        members.iter().map(|(name, text)| ((*name).to_owned(), Value::Text(text.clone()))).collect();
    line.insert("event".to_owned(), Value::Text(event.to_owned()));
    let _ = writeln!(std::io::stderr(), "{}", visible::json(&Value::Object(line).to_json()));
}
