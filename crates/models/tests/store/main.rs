//! The store over a tiny catalogue: real pip and npm, local packages, several processes.

mod by_hand;
mod child;
mod download;
mod npm;
mod processes;
mod tiny;
