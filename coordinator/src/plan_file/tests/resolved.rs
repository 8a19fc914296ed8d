//! The plan as the result document shows it.

use super::super::resolved;
use super::{sound, step};

#[test]
fn the_example_resolved() {
    let document = resolved(&sound(super::example::EXAMPLE));
    assert_eq!(document["scenarios"][0]["steps"].as_array().map(Vec::len), Some(5));
    let mut first = document.clone();
    for scenario in first["scenarios"].as_array_mut().unwrap() {
        scenario["steps"] = scenario["steps"][0].clone();
    }
    first["scenarios"].as_array_mut().unwrap().truncate(2);
    insta::assert_snapshot!(serde_json::to_string_pretty(&first).unwrap(), @r#"
    {
      "agents": {
        "hold": "5s",
        "loss_tolerance": 0.005,
        "on_loss": "fail",
        "start_when": 10
      },
      "connect": {
        "dns": {
          "every": "30s"
        },
        "hosts": {
          "api.test": [
            "127.0.0.2",
            "::1"
          ],
          "shop.test": [
            "127.0.0.1"
          ]
        },
        "proxy": "http://127.0.0.1:3128/",
        "source": [
          "127.0.0.2",
          "127.0.0.3"
        ],
        "tls": {
          "ca": null,
          "cert": null,
          "insecure": true,
          "key": null,
          "users": 0
        }
      },
      "data": [],
      "http": {
        "connect_timeout": "2s",
        "max_body_bytes": 10000000,
        "max_head_bytes": 32768,
        "read_timeout": "3s",
        "request_ids": true,
        "trace": 0.01
      },
      "name": "shop",
      "scenarios": [
        {
          "arrivals": "poisson",
          "connections": "new",
          "duration": "5m30s",
          "executor": "ramping-arrival-rate",
          "graceful_stop": "5s",
          "max_users": 20000,
          "name": "browse",
          "stages": [
            {
              "duration": "30s",
              "from": "10/min",
              "to": "500/s"
            },
            {
              "duration": "0s",
              "from": "500/s",
              "to": "0.5/s"
            },
            {
              "duration": "5m",
              "from": "0.5/s",
              "to": "0.5/s"
            }
          ],
          "start_delay": "1s",
          "steps": {
            "body": null,
            "expect_status": [
              "200"
            ],
            "headers": [
              [
                "accept",
                "application/json"
              ],
              [
                "x-many",
                "a"
              ],
              [
                "x-many",
                "b"
              ]
            ],
            "method": "GET",
            "name": "list",
            "redirects": 3,
            "timeout": "5s",
            "url": "http://127.0.0.1:8080/v1/products?page=1&q=a%20b%26c&tag=x&tag=y%2Bz"
          },
          "warm_up": "10s"
        },
        {
          "connections": "per-user",
          "duration": "1m",
          "executor": "ramping-users",
          "graceful_stop": "30s",
          "name": "watchers",
          "stages": [
            {
              "duration": "1m",
              "from": 5,
              "to": 50
            }
          ],
          "start_delay": "0s",
          "steps": {
            "body": null,
            "expect_status": [
              "200-399"
            ],
            "headers": [
              [
                "accept",
                "application/json"
              ],
              [
                "x-many",
                "a"
              ],
              [
                "x-many",
                "b"
              ]
            ],
            "method": "GET",
            "name": "GET /watch",
            "redirects": 3,
            "timeout": "5s",
            "url": "http://127.0.0.1:8080/v1/watch"
          },
          "warm_up": "0s"
        }
      ],
      "seed": 7,
      "thresholds": [
        "http_req_duration{scenario:browse,request:cart}: p(99) < 250ms for 10s, abort",
        "http_req_failed: rate < 0.1%",
        "http_req_duration{request:GET /watch}: avg < 1s over 1m"
      ],
      "vars": {
        "kinds": [
          "shoe",
          {
            "deep": "a b"
          }
        ],
        "pages": 50
      }
    }
    "#);
}

#[test]
fn secrets_and_large_bodies_do_not_get_into_it() {
    let mut plan = sound(&step(&format!(
        "post: /, headers: {{Authorization: Bearer s3cret, cookie: s3cret, x-plain: shown}}, body: '{}s3cret'",
        "é".repeat(100)
    )));
    plan.connect.tls.key_pem = b"s3cret".to_vec();
    plan.connect.tls.cert_pem = b"public".to_vec();
    let document = resolved(&plan);
    assert!(!document.to_string().contains("s3cret"));
    let request = &document["scenarios"][0]["steps"][0];
    assert_eq!(request["body"], serde_json::json!({"bytes": 206, "preview": "é".repeat(64)}));
    assert_eq!(request["headers"][0], serde_json::json!(["authorization", "(elided)"]));
    assert_eq!(request["headers"][2], serde_json::json!(["x-plain", "shown"]));
    assert_eq!(document["connect"]["tls"]["key"], "(elided)");
    assert_eq!(document["connect"]["tls"]["cert"]["bytes"], 6);
}
