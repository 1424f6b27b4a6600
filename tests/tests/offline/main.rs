//! The offline page, `verifier/web/verify.html`, in a real browser: it agrees with every vector, says of good and of
//! broken files what it must, can be used without a mouse, and asks for nothing.
#![cfg(feature = "browser")]

mod agree;
#[path = "../pages/browser.rs"]
mod browser;
mod bundle;
mod damage;
mod mishaps;
mod packs;
mod page;
mod reading;
mod trust;
mod vectors;
mod words;
