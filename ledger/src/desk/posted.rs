//! What a form sent: fields and files, read whole, within limits.

use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;

/// Longest request, in bytes: a register of the largest size that people hand over by hand.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// Most parts of a form: the widest type has about a hundred, a list of codes some more.
const PARTS_MAX: usize = 2_000;

/// The parts of a form, in order.
#[derive(Clone, Debug, Default)]
pub struct Posted {
    fields: Vec<(String, String)>,
    files: Vec<File>,
}

/// A file that was chosen or dropped.
#[derive(Clone, Debug)]
pub struct File {
    /// The field that it was put into.
    pub field: String,
    /// Its name, without folders.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a form cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadForm {
    /// Longer than [`BODY_BYTES_MAX`].
    #[error("more than {} MiB were sent at once; split the file", BODY_BYTES_MAX >> 20)]
    TooLong,
    /// More parts than `PARTS_MAX`.
    #[error("the form has more than {PARTS_MAX} parts")]
    TooMany,
    /// Not a form.
    #[error("what was sent is no form of this desk: {0}")]
    Malformed(String),
    /// A field that is no text.
    #[error("the field {field:?} is not UTF-8 text")]
    NotText {
        /// Its name.
        field: String,
    },
}

impl From<MultipartError> for BadForm {
    fn from(why: MultipartError) -> Self {
        if why.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Self::TooLong
        } else {
            Self::Malformed(why.body_text())
        }
    }
}

impl Posted {
    /// Reads a form.
    ///
    /// # Errors
    /// [`BadForm`] says what is wrong with it.
    pub async fn read(mut parts: Multipart) -> Result<Self, BadForm> {
        let mut posted = Self::default();
        while let Some(part) = parts.next_field().await? {
            if posted.fields.len() + posted.files.len() == PARTS_MAX {
                return Err(BadForm::TooMany);
            }
            let field = part.name().unwrap_or_default().to_owned();
            let file = part.file_name().map(|name| name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned());
            let bytes = part.bytes().await?;
            match file {
                // A file field in which nothing was chosen is sent all the same.
                Some(name) if name.is_empty() && bytes.is_empty() => {}
                Some(name) => posted.files.push(File { field, name, bytes: bytes.to_vec() }),
                None => match String::from_utf8(bytes.to_vec()) {
                    // Line breaks come as CR LF, whatever was typed. HTML, form submission.
                    Ok(text) => posted.fields.push((field, text.replace("\r\n", "\n"))),
                    Err(_) => return Err(BadForm::NotText { field }),
                },
            }
        }
        Ok(posted)
    }

    /// The first field of that name; empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text)
    }

    /// All fields of that name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, text)| text.clone()).collect()
    }

    /// Whether a box was ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        !self.field(name).is_empty()
    }

    /// The files of a field.
    pub fn files(&self, field: &str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.field == field)
    }
}
