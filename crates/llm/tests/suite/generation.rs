use super::support::{folder, load};
use archsmith_llm::{LlmError, LoadOptions, Model, ModelSource, Request, Sampling, StopReason};
use std::ops::ControlFlow;

fn request(prompt: &str, seed: u64) -> Request {
    Request { prompt: prompt.into(), prefix: String::new(), seed }
}

fn sampling() -> Sampling {
    Sampling { temperature: 0.9, top_k: 0, top_p: 1.0, max_new_tokens: 24, ..Sampling::default() }
}

fn texts(model: &Model, requests: &[Request], sampling: &Sampling) -> Vec<String> {
    let answers = model.generate(requests, sampling, None, &mut |_| ControlFlow::Continue(())).unwrap();
    answers.into_iter().map(|a| a.text).collect()
}

#[test]
fn answers_do_not_depend_on_their_neighbours() {
    let model = load(folder()).unwrap();
    let requests: Vec<Request> =
        (0..9).map(|i| request(if i % 3 == 0 { "# width 16\n" } else { "# width 24\n" }, i)).collect();
    let together = texts(&model, &requests, &sampling());
    let one_at_a_time = texts(&model, &requests, &Sampling { batch: 1, ..sampling() });
    assert_eq!(together, one_at_a_time);
    for (request, expected) in requests.iter().zip(&together) {
        assert_eq!(&texts(&model, std::slice::from_ref(request), &sampling())[0], expected);
    }
    assert!(together.iter().collect::<std::collections::BTreeSet<_>>().len() > 1, "seeds make no difference");
}

#[test]
fn greedy_answers_follow_the_training_text() {
    let model = load(folder()).unwrap();
    let greedy = Sampling { temperature: 0.0, max_new_tokens: 60, ..Sampling::default() };
    let answers =
        model.generate(&[request("# width 16\n", 0)], &greedy, None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(answers[0].text.starts_with("def net():\n    conv(3, "), "{}", answers[0].text);
    assert_eq!(answers[0].stopped, StopReason::EndOfText);
}

#[test]
fn prefix_and_stop_strings_bound_the_answer() {
    let model = load(folder()).unwrap();
    let request = Request { prompt: "# width 16\n".into(), prefix: "def".into(), seed: 0 };
    let stop = Sampling { temperature: 0.0, stop: vec!["relu".into()], ..Sampling::default() };
    let answers = model.generate(&[request], &stop, None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(answers[0].text.starts_with("def net():\n    conv(3, "), "{}", answers[0].text);
    assert!(!answers[0].text.contains("relu"));
    assert_eq!(answers[0].stopped, StopReason::StopString);
}

#[test]
fn the_context_bounds_prompt_and_answer() {
    let model = load(folder()).unwrap();
    let long = "# width 16\n".repeat(60);
    let error =
        model.generate(&[request(&long, 0)], &sampling(), None, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("context"), "{error}");
    let most = Sampling { max_new_tokens: 100_000, top_p: 1.0, temperature: 3.0, top_k: 0, ..Sampling::default() };
    let answers =
        model.generate(&[request("# width 8\n", 1)], &most, None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(answers[0].tokens <= 128);
}

#[test]
fn a_callback_stops_the_work() {
    let model = load(folder()).unwrap();
    let stopped = model.generate(&[request("# width 16\n", 0)], &sampling(), None, &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(LlmError::Cancelled)));
}

#[test]
fn senseless_sampling_is_refused() {
    let model = load(folder()).unwrap();
    for wrong in [
        Sampling { temperature: -1.0, ..sampling() },
        Sampling { top_p: 0.0, ..sampling() },
        Sampling { batch: 0, ..sampling() },
    ] {
        assert!(model.generate(&[request("#", 0)], &wrong, None, &mut |_| ControlFlow::Continue(())).is_err());
    }
}

#[test]
fn the_embedded_model_writes() {
    let model = Model::load(&ModelSource::Embedded, &LoadOptions { threads: 2 }).unwrap();
    let info = model.describe();
    assert!((1_000_000..8_000_000).contains(&info.parameters), "{info:?}");
    assert_eq!(model.render_prompt("ignored", "# image classifier\n").unwrap(), "# image classifier\n");
    let sampling = Sampling { max_new_tokens: 40, ..Sampling::default() };
    let requests = [request("# image classifier\n", 1), request("# image classifier\n", 2)];
    for answer in texts(&model, &requests, &sampling) {
        assert!(answer.contains("import"), "{answer}");
    }
}
