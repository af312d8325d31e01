//! What the command says: help, exit codes, messages, JSON.

mod bad_input;
mod files;
mod help;
mod models;
mod output;
mod program;
