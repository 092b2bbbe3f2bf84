//! IAM policy language: parse, evaluate, explain.
//! Comes with issue "Access"; nothing here yet, and no knowledge of Yagura ever.
