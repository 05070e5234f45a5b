//! What comes out of a network: state, bodies, recipe.

use archsmith_frontend::{Options, Stage, check, elaborate};
use archsmith_ir::StateKind;
use archsmith_ir::recipe::{Clip, Loss, Optimizer, Schedule, ScheduleKind};

fn options() -> Options {
    Options { in_shape: [4, 3, 32, 32], ..Options::default() }
}

fn network(init: &str, forward: &str, rest: &str) -> String {
    let indent = |text: &str| text.lines().map(|l| format!("        {l}\n")).collect::<String>();
    format!(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\
         def supported_hyperparameters():\n    return {{'lr', 'momentum'}}\n\n\
         class Net(nn.Module):\n    def __init__(self, in_shape, out_shape, prm, device):\n        \
         super().__init__()\n{}    def forward(self, x):\n{}{rest}",
        indent(init),
        indent(forward)
    )
}

#[test]
fn the_state_dict_has_pytorchs_names_and_order() {
    let text = network(
        "self.conv = nn.Conv2d(3, 8, 3)\nself.bn = nn.BatchNorm2d(8)\nself.fc = nn.Linear(8, out_shape[0])\n\
         self.fc.weight.requires_grad = False",
        "return self.fc(self.bn(self.conv(x)).mean((2, 3)))",
        "",
    );
    let (typed, _) = check(&text, &options()).expect("a network");
    let graph = typed.graph();
    let names: Vec<&str> = graph.state_dict.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(
        names,
        [
            "conv.weight",
            "conv.bias",
            "bn.weight",
            "bn.bias",
            "bn.running_mean",
            "bn.running_var",
            "bn.num_batches_tracked",
            "fc.weight",
            "fc.bias"
        ]
    );
    let kind = |name: &str| {
        let (_, id) = graph.state_dict.iter().find(|(n, _)| n == name).expect("a name");
        graph.state[id.index()].kind
    };
    assert_eq!(kind("conv.weight"), StateKind::Parameter);
    assert_eq!(kind("fc.weight"), StateKind::FrozenParameter);
    assert_eq!(kind("bn.running_var"), StateKind::Buffer);
    assert_eq!(graph.scopes[0].path, "");
    assert!(graph.scopes.iter().any(|s| s.path == "conv" && s.class == "Conv2d"));
}

#[test]
fn tied_parameters_are_one_tensor_under_two_names() {
    let text = network(
        "self.a = nn.Linear(3, 3)\nself.b = nn.Linear(3, 3)\nself.b.weight = self.a.weight\nself.fc = nn.Linear(3, 10)",
        "return self.fc(self.b(self.a(x.mean((2, 3)))))",
        "",
    );
    let elaborated = elaborate(&text, &options()).expect("a network");
    let of = |name: &str| elaborated.graph.state_dict.iter().find(|(n, _)| n == name).map(|(_, id)| *id);
    assert_eq!(of("a.weight"), of("b.weight"));
    assert_ne!(of("a.bias"), of("b.bias"));
    assert_eq!(elaborated.graph.state.iter().filter(|s| s.kind == StateKind::Parameter).count(), 5);
    assert_eq!(elaborated.hyperparameters, ["lr", "momentum"]);
}

#[test]
fn training_and_evaluation_differ_where_the_network_does() {
    let text = network(
        "self.drop = nn.Dropout(0.5)\nself.fc = nn.Linear(3, 10)",
        "x = self.drop(x.mean((2, 3)))\nif self.training:\n    x = x * 2\nreturn self.fc(x)",
        "",
    );
    let graph = elaborate(&text, &options()).expect("a network").graph;
    let count = |body: &archsmith_ir::Body, op: &str| body.nodes.iter().filter(|n| n.op.get().name == op).count();
    assert_eq!(count(&graph.train, "mul"), 1);
    assert_eq!(count(&graph.eval, "mul"), 0);
}

#[test]
fn a_tensor_kept_in_an_attribute_is_a_constant() {
    let text = network(
        "self.grid = torch.linspace(0, 1, 3)\nself.fc = nn.Linear(3, 10)",
        "return self.fc(x.mean((2, 3)) + self.grid)",
        "",
    );
    let graph = elaborate(&text, &options()).expect("a network").graph;
    assert_eq!(graph.state.iter().filter(|s| s.kind == StateKind::Constant).count(), 1);
    assert_eq!(graph.state_dict.len(), 2);
}

#[test]
fn a_layer_made_in_the_first_forward_is_state() {
    let text = network(
        "self.fc = None",
        "x = x.flatten(1)\nif self.fc is None:\n    self.fc = nn.Linear(x.shape[1], 10)\nreturn self.fc(x)",
        "",
    );
    let (typed, _) = check(&text, &options()).expect("a network");
    let names: Vec<&str> = typed.graph().state_dict.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["fc.weight", "fc.bias"]);
}

const LEARN: &str = "
    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            if not torch.isfinite(loss):
                continue
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), 3.0)
            self.optimizer.step()
            self.scheduler.step()
";

#[test]
fn the_recipe_is_read_from_train_setup_and_learn() {
    let setup = "
    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1).to(self.device)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=prm['lr'] * 0.1, weight_decay=0.05)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 5, gamma=0.5)
";
    let text = network(
        "self.device = device\nself.fc = nn.Linear(3, 10)",
        "return self.fc(x.mean((2, 3)))",
        &format!("{setup}{LEARN}"),
    );
    let recipe = elaborate(&text, &options()).expect("a network").graph.recipe;
    assert_eq!(recipe.assumed, Vec::<String>::new());
    assert_eq!(
        recipe.optimizer,
        Optimizer::Adam {
            lr: 0.01 * 0.1,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.05,
            decoupled: true,
            amsgrad: false
        }
    );
    assert_eq!(recipe.loss, Loss::CrossEntropy { label_smoothing: 0.1, weight: None });
    assert_eq!(recipe.clip, Some(Clip::Norm { max_norm: 3.0 }));
    assert_eq!(
        recipe.schedule,
        Some(Schedule { kind: ScheduleKind::Step { step_size: 5, gamma: 0.5 }, per_batch: true })
    );
}

#[test]
fn schedules_are_read_with_what_they_follow() {
    let read = |scheduler: &str, learn: &str| {
        let setup = format!(
            "
    def train_setup(self, prm):
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        self.scheduler = torch.optim.lr_scheduler.{scheduler}
"
        );
        let text = network(
            "self.device = device\nself.fc = nn.Linear(3, 10)",
            "return self.fc(x.mean((2, 3)))",
            &format!("{setup}{learn}"),
        );
        let recipe = elaborate(&text, &options()).expect("a network").graph.recipe;
        assert_eq!(recipe.assumed, Vec::<String>::new(), "{scheduler}");
        recipe.schedule.expect("a schedule")
    };
    // A step behind the loop comes once an epoch.
    let each_epoch = LEARN.replace("            self.scheduler.step()", "        self.scheduler.step()");
    assert_eq!(
        read("MultiStepLR(self.optimizer, [30, 60])", &each_epoch),
        Schedule { kind: ScheduleKind::MultiStep { milestones: vec![30, 60], gamma: 0.1 }, per_batch: false }
    );
    assert_eq!(
        read("LinearLR(self.optimizer, 0.25, total_iters=9)", LEARN),
        Schedule {
            kind: ScheduleKind::Linear { start_factor: 0.25, end_factor: 1.0, total_iters: 9 },
            per_batch: true
        }
    );
    assert_eq!(
        read("CosineAnnealingWarmRestarts(self.optimizer, T_0=4, T_mult=2)", LEARN),
        Schedule { kind: ScheduleKind::WarmRestarts { t_0: 4, t_mult: 2, eta_min: 0.0 }, per_batch: true }
    );
    let cycle = read("OneCycleLR(self.optimizer, 0.2, epochs=2, steps_per_epoch=50, anneal_strategy='linear')", LEARN);
    let asked = matches!(
        cycle.kind,
        ScheduleKind::OneCycle { total_steps: 100, linear: true, momentum: Some((0.85, 0.95)), .. }
    );
    assert!(asked && cycle.per_batch, "{cycle:?}");
    let watching = each_epoch.replace("scheduler.step()", "scheduler.step(loss.item())");
    let plateau = read("ReduceLROnPlateau(self.optimizer, mode='max', patience=3, factor=0.5)", &watching);
    let asked = matches!(plateau.kind, ScheduleKind::Plateau { max: true, patience: 3, relative: true, .. });
    assert!(asked && !plateau.per_batch, "{plateau:?}");
}

#[test]
fn a_network_without_a_recipe_gets_the_default_and_says_so() {
    let text = network("self.fc = nn.Linear(3, 10)", "return self.fc(x.mean((2, 3)))", "");
    let recipe = elaborate(&text, &options()).expect("a network").graph.recipe;
    assert_eq!(recipe.optimizer.lr(), 0.01);
    assert!(recipe.assumed.iter().any(|a| a.contains("train_setup")), "{:?}", recipe.assumed);
}

#[test]
fn stages_tell_unsupported_from_ill_typed() {
    let stage = |forward: &str| {
        check(&network("self.fc = nn.Linear(3, 10)", forward, ""), &options()).expect_err("a refusal").stage
    };
    assert_eq!(stage("return self.fc(undefined)"), Stage::IllTyped);
    assert_eq!(stage("return self.fc(torch.linalg.eigh(x)[0])"), Stage::Unsupported);
    assert_eq!(stage("if x.sum() > 0:\n    pass\nreturn self.fc(x)"), Stage::Unsupported);
    assert_eq!(stage("return x"), Stage::Contract);
    assert_eq!(stage("return ("), Stage::Unparsed);
}
