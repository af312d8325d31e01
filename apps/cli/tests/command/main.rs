//! What the command says: help, exit codes, messages, JSON.

mod align;
mod bad_input;
mod batch;
mod directions;
mod encode;
mod files;
mod help;
mod measure;
mod models;
mod output;
mod paste;
mod program;
