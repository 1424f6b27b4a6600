//! Whoever lies is caught, and the place is named: FORMAT.md from its first byte to its last.
//!
//! | file | who bends what |
//! |---|---|
//! | `files` | somebody changes files and cannot even write a manifest: every bit, every length, every file |
//! | `outsider` | somebody rewrites everything that needs no key: manifest, tiles, chain |
//! | `operator` | the operator, with the keys of checkpoints and seals: a table of lies |
//! | `admission` | a reporter says what may not be said: each refusal with a row that is accepted beside it |
//! | `sides` | strangers who close disputes, sign second, or pose as two; names before anybody said that they may stand |
//! | `keys` | thieves and losers of keys: each loss has its lawful way, and every other is refused |
//! | `page` | the same tables, put to the offline page in a browser |
//! | `velmora` | ten thousand bits of the sample country |
//! | `readers` | nobody: code that others wrote reads our bundle and comes to our verdict |

mod admission;
#[cfg(feature = "browser")]
#[path = "../pages/browser.rs"]
mod browser;
mod common;
#[cfg(feature = "browser")]
#[allow(dead_code)] // what other tests do with it
#[path = "../offline/page.rs"]
mod driven;
mod files;
mod keys;
mod operator;
mod outsider;
#[cfg(feature = "browser")]
mod page;
mod readers;
mod sides;
mod velmora;
