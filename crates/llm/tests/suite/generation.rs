use super::support::{folder, load};
use archsmith_llm::{
    Completion, Guide, LlmError, LoadOptions, Model, ModelSource, Moment, Opinion, Request, Sampling, Steering,
    StopReason,
};
use std::ops::ControlFlow;

fn request(prompt: &str, seed: u64) -> Request {
    Request { prompt: prompt.into(), prefix: String::new(), seed }
}

fn sampling() -> Sampling {
    Sampling { temperature: 0.9, top_k: 0, top_p: 1.0, max_new_tokens: 24, ..Sampling::default() }
}

fn texts(model: &Model, requests: &[Request], sampling: &Sampling) -> Vec<String> {
    let answers = model.generate(requests, sampling, Steering::Off, &mut |_| ControlFlow::Continue(())).unwrap();
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
    let answers = model
        .generate(&[request("# width 16\n", 0)], &greedy, Steering::Off, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    assert!(answers[0].text.starts_with("def net():\n    conv(3, "), "{}", answers[0].text);
    assert_eq!(answers[0].stopped, StopReason::EndOfText);
}

#[test]
fn prefix_and_stop_strings_bound_the_answer() {
    let model = load(folder()).unwrap();
    let request = Request { prompt: "# width 16\n".into(), prefix: "def".into(), seed: 0 };
    let stop = Sampling { temperature: 0.0, stop: vec!["relu".into()], ..Sampling::default() };
    let answers = model.generate(&[request], &stop, Steering::Off, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(answers[0].text.starts_with("def net():\n    conv(3, "), "{}", answers[0].text);
    assert!(!answers[0].text.contains("relu"));
    assert_eq!(answers[0].stopped, StopReason::StopString);
}

#[test]
fn the_context_bounds_prompt_and_answer() {
    let model = load(folder()).unwrap();
    let long = "# width 16\n".repeat(60);
    let error = model
        .generate(&[request(&long, 0)], &sampling(), Steering::Off, &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert!(error.to_string().contains("context"), "{error}");
    let most = Sampling { max_new_tokens: 100_000, top_p: 1.0, temperature: 3.0, top_k: 0, ..Sampling::default() };
    let answers =
        model.generate(&[request("# width 8\n", 1)], &most, Steering::Off, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(answers[0].tokens <= 128);
}

#[test]
fn a_callback_stops_the_work() {
    let model = load(folder()).unwrap();
    let stopped =
        model.generate(&[request("# width 16\n", 0)], &sampling(), Steering::Off, &mut |_| ControlFlow::Break(()));
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
        assert!(model.generate(&[request("#", 0)], &wrong, Steering::Off, &mut |_| ControlFlow::Continue(())).is_err());
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

/// Refuses lines in which a word stands; goes back to the line, then to the beginning.
struct Without(&'static str);

impl Guide for Without {
    fn judge(&self, text: &str, _: Moment) -> Opinion {
        match text.find(self.0) {
            Some(at) if !self.0.is_empty() => {
                let line = text[..at].rfind('\n').map_or(0, |i| i + 1);
                Opinion::Refused { doomed: at + self.0.len(), back: vec![line] }
            }
            _ => Opinion::Stands,
        }
    }
}

fn guided(model: &Model, requests: &[Request], sampling: &Sampling, guide: &dyn Guide) -> Vec<Completion> {
    model.generate(requests, sampling, Steering::Guide(guide), &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_guide_changes_what_it_refuses_alone() {
    let model = load(folder()).unwrap();
    let requests: Vec<Request> = (0..12).map(|i| request("# width 16\n", i)).collect();
    let long = Sampling { max_new_tokens: 60, ..sampling() };
    let free = texts(&model, &requests, &long);
    let content = guided(&model, &requests, &long, &Without(""));
    assert!(content.iter().all(|c| c.objections == 0 && c.wasted == 0));
    assert_eq!(content.into_iter().map(|c| c.text).collect::<Vec<_>>(), free);
    let steered = guided(&model, &requests, &long, &Without("relu"));
    assert!(free.iter().any(|t| t.contains("relu")), "{free:?}");
    for (c, free) in steered.iter().zip(&free) {
        assert!(c.stopped == StopReason::Refused || !c.text.contains("relu"), "{}", c.text);
        assert_eq!(c.objections > 0, free.contains("relu"), "{} against {free}", c.text);
        assert_eq!(c.objections == 0, &c.text == free);
    }
    let alone = guided(&model, &requests, &Sampling { batch: 1, ..long }, &Without("relu"));
    let text = |c: &Completion| (c.text.clone(), c.objections, c.wasted);
    assert_eq!(alone.iter().map(text).collect::<Vec<_>>(), steered.iter().map(text).collect::<Vec<_>>());
}

#[test]
fn a_greedy_answer_that_is_refused_takes_the_next_likely_way() {
    let model = load(folder()).unwrap();
    let greedy = Sampling { temperature: 0.0, max_new_tokens: 60, ..Sampling::default() };
    let free = &texts(&model, &[request("# width 16\n", 0)], &greedy)[0];
    assert!(free.contains("conv(3, 16"), "{free}");
    let steered = &guided(&model, &[request("# width 16\n", 0)], &greedy, &Without("conv(3, 16"))[0];
    assert!(steered.objections > 0 && !steered.text.contains("conv(3, 16"), "{steered:?}");
}

const NO_RELU: &str = r#"
start: "def net():\n" LINE+
LINE: /    (conv|linear|pool)\([0-9, ]*\)\n/
"#;

fn of_grammar(model: &Model, requests: &[Request], sampling: &Sampling, lark: &str) -> Vec<Completion> {
    let grammar = model.grammar(lark).unwrap();
    model.generate(requests, sampling, Steering::Grammar(&grammar), &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_grammar_changes_only_the_token_that_does_not_fit() {
    let model = load(folder()).unwrap();
    let requests: Vec<Request> = (0..12).map(|i| request("# width 16\n", i)).collect();
    let long = Sampling { max_new_tokens: 60, ..sampling() };
    let free = texts(&model, &requests, &long);
    // Anything at all fits: nothing is touched.
    let content = of_grammar(&model, &requests, &long, "start: /(.|\\n)*/");
    assert_eq!(content.iter().map(|c| c.text.clone()).collect::<Vec<_>>(), free);
    assert!(content.iter().all(|c| c.objections == 0 && c.wasted == 0));
    let steered = of_grammar(&model, &requests, &long, NO_RELU);
    assert!(free.iter().any(|t| t.contains("relu")), "{free:?}");
    let grammar = model.grammar(NO_RELU).unwrap();
    for (c, free) in steered.iter().zip(&free) {
        let (fits, whole) = model.accepted_by(&grammar, &c.text).unwrap();
        assert_eq!(fits, c.text.len(), "{}", c.text);
        assert_eq!(whole, c.stopped == StopReason::EndOfText, "{:?} {}", c.stopped, c.text);
        assert_eq!(c.objections == 0, &c.text == free, "{} against {free}", c.text);
        // Up to the first token that did not fit, both are one text.
        let (shared, _) = model.accepted_by(&grammar, free).unwrap();
        assert!(c.text.starts_with(&free[..shared]), "{} against {free}", c.text);
    }
    assert!(steered.iter().any(|c| c.objections > 0));
    let alone = of_grammar(&model, &requests, &Sampling { batch: 1, ..long }, NO_RELU);
    let told = |c: &Completion| (c.text.clone(), c.objections, c.stopped);
    assert_eq!(alone.iter().map(told).collect::<Vec<_>>(), steered.iter().map(told).collect::<Vec<_>>());
}

#[test]
fn a_grammar_holds_from_the_prefix_to_the_end() {
    let model = load(folder()).unwrap();
    let greedy = Sampling { temperature: 0.0, max_new_tokens: 60, ..Sampling::default() };
    let starting = |prefix: &str| Request { prefix: prefix.into(), ..request("# width 16\n", 0) };
    // What no answer of this model says: it is taken through it, and has to stop there.
    let lark = "start: \"def zebra\" /[0-9]{3}/ \"!\"";
    let answer = &of_grammar(&model, &[starting("def z")], &greedy, lark)[0];
    assert!(
        answer.text.starts_with("def zebra") && answer.text.ends_with('!') && answer.text.len() == 13,
        "{answer:?}"
    );
    assert_eq!(answer.stopped, StopReason::EndOfText);
    let grammar = model.grammar(lark).unwrap();
    let wrong =
        model.generate(&[starting("class")], &greedy, Steering::Grammar(&grammar), &mut |_| ControlFlow::Continue(()));
    assert!(wrong.unwrap_err().to_string().contains("grammar"));
    for bad in ["", "start: (", "begin: \"a\"", "start: unknown"] {
        assert!(model.grammar(bad).is_err(), "{bad}");
    }
}
