//! The kinds that kubevet knows without being told. The paths are those of the CRDs in the modules
//! beside the rows; `tests/public_cases/workloads/` has an object of each kind.

use super::{
    layout::{ComposedPod, ContainerSource, PodLayout},
    path_pattern::PathPattern,
};

/// A kind of other software.
#[derive(Debug, Clone, Copy)]
pub struct ShippedWorkload {
    /// The API group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The plural name.
    pub resource: &'static str,
    /// The versions that the module serves.
    pub versions: &'static [&'static str],
    /// The Go module and version with the type.
    pub module: &'static str,
    /// Where the pods are.
    pub(super) pods: Pods,
}

/// Where the pods of a shipped kind are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pods {
    Templates(&'static [&'static str]),
    /// Templates of pods that end, whatever they say.
    CompletingTemplates(&'static [&'static str]),
    Specs(&'static [&'static str]),
    Argo(&'static [&'static str], &'static [&'static [&'static str]]),
    Tekton(&'static [&'static str], &'static [&'static [&'static str]]),
}

impl Pods {
    /// The layouts; a path that does not parse is left out, which a test excludes.
    pub(super) fn layouts(self) -> Vec<PodLayout> {
        let (Self::Templates(paths)
        | Self::CompletingTemplates(paths)
        | Self::Specs(paths)
        | Self::Argo(paths, _)
        | Self::Tekton(paths, _)) = self;
        let paths = paths.iter().filter_map(|path| path.parse().ok());
        let layout = |path: PathPattern| match self {
            Self::Templates(_) => PodLayout::Template {
                path,
                runs_to_completion: false,
            },
            Self::CompletingTemplates(_) => PodLayout::Template {
                path,
                runs_to_completion: true,
            },
            Self::Specs(_) => PodLayout::Spec(path),
            Self::Argo(_, outer) => PodLayout::Composed(ComposedPod {
                path,
                containers: ARGO_CONTAINERS,
                outer,
            }),
            Self::Tekton(_, outer) => PodLayout::Composed(ComposedPod {
                path,
                containers: TEKTON_CONTAINERS,
                outer,
            }),
        };
        paths.map(layout).collect()
    }
}

const ARGO_CONTAINERS: &[ContainerSource] = &[
    ContainerSource {
        list: "containers",
        path: &["container"],
        is_list: false,
        defaults: "",
        resources: "resources",
    },
    ContainerSource {
        list: "containers",
        path: &["script"],
        is_list: false,
        defaults: "",
        resources: "resources",
    },
    ContainerSource {
        list: "containers",
        path: &["containerSet", "containers"],
        is_list: true,
        defaults: "",
        resources: "resources",
    },
    ContainerSource {
        list: "containers",
        path: &["sidecars"],
        is_list: true,
        defaults: "",
        resources: "resources",
    },
    ContainerSource {
        list: "initContainers",
        path: &["initContainers"],
        is_list: true,
        defaults: "",
        resources: "resources",
    },
];

const TEKTON_CONTAINERS: &[ContainerSource] = &[
    ContainerSource {
        list: "containers",
        path: &["steps"],
        is_list: true,
        defaults: "stepTemplate",
        resources: "computeResources",
    },
    ContainerSource {
        list: "containers",
        path: &["sidecars"],
        is_list: true,
        defaults: "",
        resources: "computeResources",
    },
];

const TEMPLATE: Pods = Pods::Templates(&["spec.template"]);
const WORKFLOW: Pods = Pods::Argo(
    &[
        "spec.templates[*]",
        "spec.templates[*].dag.tasks[*].inline",
        "spec.templates[*].steps[*][*].inline",
        "spec.templateDefaults",
    ],
    &[&["spec"]],
);
const TASK: Pods = Pods::Tekton(&["spec"], &[]);

const ROLLOUTS: &str = "github.com/argoproj/argo-rollouts v1.10.0";
const WORKFLOWS: &str = "github.com/argoproj/argo-workflows/v3 v3.7.2";
const JOBSET: &str = "sigs.k8s.io/jobset v0.10.1";
const KEDA: &str = "github.com/kedacore/keda/v2 v2.21.0";
const KNATIVE: &str = "knative.dev/serving v0.51.0";
const KRUISE: &str = "github.com/openkruise/kruise v1.8.0";
const LWS: &str = "sigs.k8s.io/lws v0.7.0";
const OPENSHIFT: &str = "github.com/openshift/api v3.9.0+incompatible";
const TEKTON: &str = "github.com/tektoncd/pipeline v1.3.0";
/// The last version at hand with ClusterTask.
const TEKTON_CLUSTER_TASK: &str = "github.com/tektoncd/pipeline v0.59.0";
const TRAINING: &str = "github.com/kubeflow/training-operator v1.9.2";
/// The last version with this kind.
const TRAINING_MX: &str = "github.com/kubeflow/training-operator v1.8.1";

const fn row(
    group: &'static str,
    kind: &'static str,
    resource: &'static str,
    versions: &'static [&'static str],
    module: &'static str,
    pods: Pods,
) -> ShippedWorkload {
    ShippedWorkload {
        group,
        kind,
        resource,
        versions,
        module,
        pods,
    }
}

/// The kinds, sorted by group and name.
#[rustfmt::skip]
pub const SHIPPED: &[ShippedWorkload] = &[
    row("apps.kruise.io", "AdvancedCronJob", "advancedcronjobs", &["v1alpha1"], KRUISE,
        Pods::Templates(&["spec.template.jobTemplate.spec.template", "spec.template.broadcastJobTemplate.spec.template"])),
    row("apps.kruise.io", "BroadcastJob", "broadcastjobs", &["v1alpha1"], KRUISE, TEMPLATE),
    row("apps.kruise.io", "CloneSet", "clonesets", &["v1alpha1"], KRUISE, TEMPLATE),
    row("apps.kruise.io", "DaemonSet", "daemonsets", &["v1alpha1"], KRUISE, TEMPLATE),
    row("apps.kruise.io", "StatefulSet", "statefulsets", &["v1alpha1", "v1beta1"], KRUISE, TEMPLATE),
    row("apps.kruise.io", "UnitedDeployment", "uniteddeployments", &["v1alpha1"], KRUISE,
        Pods::Templates(&["spec.template.deploymentTemplate.spec.template", "spec.template.statefulSetTemplate.spec.template",
            "spec.template.cloneSetTemplate.spec.template", "spec.template.advancedStatefulSetTemplate.spec.template"])),
    row("apps.openshift.io", "DeploymentConfig", "deploymentconfigs", &["v1"], OPENSHIFT, TEMPLATE),
    row("argoproj.io", "ClusterWorkflowTemplate", "clusterworkflowtemplates", &["v1alpha1"], WORKFLOWS, WORKFLOW),
    row("argoproj.io", "CronWorkflow", "cronworkflows", &["v1alpha1"], WORKFLOWS,
        Pods::Argo(
            &["spec.workflowSpec.templates[*]", "spec.workflowSpec.templates[*].dag.tasks[*].inline",
                "spec.workflowSpec.templates[*].steps[*][*].inline", "spec.workflowSpec.templateDefaults"],
            &[&["spec", "workflowSpec"]])),
    row("argoproj.io", "Experiment", "experiments", &["v1alpha1"], ROLLOUTS, Pods::Templates(&["spec.templates[*].template"])),
    row("argoproj.io", "Rollout", "rollouts", &["v1alpha1"], ROLLOUTS, TEMPLATE),
    row("argoproj.io", "Workflow", "workflows", &["v1alpha1"], WORKFLOWS, WORKFLOW),
    row("argoproj.io", "WorkflowTemplate", "workflowtemplates", &["v1alpha1"], WORKFLOWS, WORKFLOW),
    row("jobset.x-k8s.io", "JobSet", "jobsets", &["v1alpha2"], JOBSET,
        Pods::Templates(&["spec.replicatedJobs[*].template.spec.template"])),
    row("keda.sh", "ScaledJob", "scaledjobs", &["v1alpha1"], KEDA, Pods::Templates(&["spec.jobTargetRef.template"])),
    row("kubeflow.org", "JAXJob", "jaxjobs", &["v1"], TRAINING, Pods::CompletingTemplates(&["spec.jaxReplicaSpecs{*}.template"])),
    row("kubeflow.org", "MPIJob", "mpijobs", &["v1"], TRAINING, Pods::CompletingTemplates(&["spec.mpiReplicaSpecs{*}.template"])),
    row("kubeflow.org", "MXJob", "mxjobs", &["v1"], TRAINING_MX, Pods::CompletingTemplates(&["spec.mxReplicaSpecs{*}.template"])),
    row("kubeflow.org", "PaddleJob", "paddlejobs", &["v1"], TRAINING, Pods::CompletingTemplates(&["spec.paddleReplicaSpecs{*}.template"])),
    row("kubeflow.org", "PyTorchJob", "pytorchjobs", &["v1"], TRAINING, Pods::CompletingTemplates(&["spec.pytorchReplicaSpecs{*}.template"])),
    row("kubeflow.org", "TFJob", "tfjobs", &["v1"], TRAINING, Pods::CompletingTemplates(&["spec.tfReplicaSpecs{*}.template"])),
    row("kubeflow.org", "XGBoostJob", "xgboostjobs", &["v1"], TRAINING, Pods::CompletingTemplates(&["spec.xgbReplicaSpecs{*}.template"])),
    row("leaderworkerset.x-k8s.io", "LeaderWorkerSet", "leaderworkersets", &["v1"], LWS,
        Pods::Templates(&["spec.leaderWorkerTemplate.leaderTemplate", "spec.leaderWorkerTemplate.workerTemplate"])),
    row("serving.knative.dev", "Configuration", "configurations", &["v1"], KNATIVE, TEMPLATE),
    row("serving.knative.dev", "Revision", "revisions", &["v1"], KNATIVE, Pods::Specs(&["spec"])),
    row("serving.knative.dev", "Service", "services", &["v1"], KNATIVE, TEMPLATE),
    row("tekton.dev", "ClusterTask", "clustertasks", &["v1beta1"], TEKTON_CLUSTER_TASK, TASK),
    row("tekton.dev", "Pipeline", "pipelines", &["v1", "v1beta1"], TEKTON,
        Pods::Tekton(&["spec.tasks[*].taskSpec", "spec.finally[*].taskSpec"], &[])),
    row("tekton.dev", "PipelineRun", "pipelineruns", &["v1", "v1beta1"], TEKTON,
        Pods::Tekton(&["spec.pipelineSpec.tasks[*].taskSpec", "spec.pipelineSpec.finally[*].taskSpec"],
            &[&["spec", "taskRunTemplate", "podTemplate"], &["spec", "podTemplate"]])),
    row("tekton.dev", "Task", "tasks", &["v1", "v1beta1"], TEKTON, TASK),
    row("tekton.dev", "TaskRun", "taskruns", &["v1", "v1beta1"], TEKTON,
        Pods::Tekton(&["spec.taskSpec"], &[&["spec", "podTemplate"]])),
];
