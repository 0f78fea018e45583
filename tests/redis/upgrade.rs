//! Nodes of version 0.1.0 beside those of this version, on one server.

use redis::{Value, cmd};
use xtoken::ledger::{Ledger, Spent};

use super::server::Server;
use super::{NOW, ledger, spend, token};

/// What 0.1.0 sends for a token.
const SPEND: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end \
local clock = redis.call('TIME')[1] \
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {1, clock} end \
if redis.call('GET', KEYS[2]) == ARGV[2] then return {1, clock} end \
return {0, clock}";

fn spend_as_0_1_0(server: &Server, number: usize) -> Value {
    let token = format!("xtoken:{:032x}", u128::from_be_bytes(token(number).fingerprint));
    let mut spend = cmd("EVAL");
    spend.arg(SPEND).arg(2).arg("xtoken:epoch").arg(token);
    spend.arg("run:replication 0").arg("0123456789abcdef.1").arg(3_660_000);
    let answer: Value = spend.query(&mut server.client()).unwrap();
    let Value::Array(parts) = answer else { panic!("{answer:?}") };
    parts[0].clone()
}

#[test]
fn nodes_of_both_versions_accept_each_token_once() {
    let server = Server::start(&[]);
    let mut client = server.client();
    cmd("SET").arg("xtoken:epoch").arg("run:replication 0").exec(&mut client).unwrap();
    let new = ledger(&server, "");
    assert_eq!(spend(&new, 1), Ok(Spent::First));
    assert_eq!(spend_as_0_1_0(&server, 1), Value::Int(0));
    assert_eq!(spend_as_0_1_0(&server, 2), Value::Int(1));
    assert_eq!(spend(&new, 2), Ok(Spent::Again));
    assert_eq!(new.peek(&token(2), NOW), Ok(Spent::Again));
    let epoch: String = cmd("GET").arg("xtoken:epoch").query(&mut client).unwrap();
    assert_eq!(epoch, "run:replication 0", "the other version's mark is left alone");
}
