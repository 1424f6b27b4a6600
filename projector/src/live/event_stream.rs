//! Server-sent events, as far as a feed of a ledger has them: lines in, messages out. WHATWG HTML 9.2.
//!
//! Pure: whoever reads the lines bounds how long one may be and how long to wait for it.

/// Longest line: the base64 of the longest entry, with room for a checkpoint and its cosignatures.
pub const LINE_BYTES_MAX: usize = 128 * 1024;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its type; empty where the server named none.
    pub event: String,
    /// Its number; empty where it has none.
    pub id: String,
    /// Its data, lines joined by `\n`.
    pub data: String,
}

/// Why a stream is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStream {
    /// A line, or the data of a message, is longer than anything that a ledger says.
    #[error("a message is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("a line is not UTF-8")]
    NotText,
}

/// Puts lines together into messages.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    now: Message,
    filled: bool,
}

impl Messages {
    /// Takes the next line, without its end; gives the message that it completes.
    ///
    /// # Errors
    /// [`BadStream`]: the rest of the stream is of no use either.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Message>, BadStream> {
        if line.len() > LINE_BYTES_MAX {
            return Err(BadStream::TooLong);
        }
        let line = std::str::from_utf8(line).map_err(|_| BadStream::NotText)?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            let filled = std::mem::take(&mut self.filled);
            let message = std::mem::take(&mut self.now);
            return Ok(filled.then_some(message));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.now.event),
            "id" => value.clone_into(&mut self.now.id),
            "data" => {
                if self.filled {
                    self.now.data.push('\n');
                }
                self.now.data.push_str(value);
                self.filled = true;
                if self.now.data.len() > LINE_BYTES_MAX {
                    return Err(BadStream::TooLong);
                }
            }
            // A comment keeps the line open; `retry` is ours to decide.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_messages() {
        let read = |text: &str| {
            let mut messages = Messages::default();
            let all = text.split('\n').map(|line| messages.line(line.as_bytes()).unwrap());
            all.flatten().map(|m| format!("{}|{}|{}", m.event, m.id, m.data)).collect::<Vec<_>>()
        };
        for (text, want) in [
            ("event: entry\nid: 7\ndata: AA==\n\n", vec!["entry|7|AA=="]),
            ("event:entry\r\nid:7\r\ndata:AA==\r\n\r\n", vec!["entry|7|AA=="]),
            (": still here\n\nevent: entry\n\n", vec![]),
            ("data: a\ndata: b\n\ndata: c\n\n", vec!["||a\nb", "||c"]),
            ("retry: 5\ndata\n\n", vec!["||"]),
            ("data: cut", vec![]),
        ] {
            assert_eq!(read(text), want, "{text:?}");
        }
        let mut messages = Messages::default();
        assert_eq!(messages.line(&vec![b'a'; LINE_BYTES_MAX + 1]), Err(BadStream::TooLong));
        assert_eq!(messages.line(b"data: \xff"), Err(BadStream::NotText));
        let long = format!("data: {}", "a".repeat(LINE_BYTES_MAX - 10));
        assert_eq!(messages.line(long.as_bytes()), Ok(None));
        assert_eq!(messages.line(long.as_bytes()), Err(BadStream::TooLong), "many lines of one message");
    }
}
