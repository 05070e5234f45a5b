# torchvision.models.detection: what the construction of a detector needs. Boxes are not a classifier's output, so what only
# works on boxes is refused where it is called.


def _boxes(name):
    _unsupported('unsupported', f'torchvision.models.detection: {name} of boxes')


class BoxCoder:
    def __init__(self, weights, bbox_xform_clip=math.log(1000.0 / 16)):
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes, proposals):
        _boxes('BoxCoder.encode')

    def encode_single(self, reference_boxes, proposals):
        _boxes('BoxCoder.encode_single')

    def decode(self, rel_codes, boxes):
        _boxes('BoxCoder.decode')

    def decode_single(self, rel_codes, boxes):
        _boxes('BoxCoder.decode_single')


class Matcher:
    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(self, high_threshold, low_threshold, allow_low_quality_matches=False):
        torch._assert(low_threshold <= high_threshold, 'low_threshold should be <= high_threshold')
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix):
        _boxes('Matcher')


class SSDMatcher(Matcher):
    def __init__(self, threshold):
        super().__init__(threshold, threshold, allow_low_quality_matches=False)


def retrieve_out_channels(model, size):
    training = model.training
    model.eval()
    with torch.no_grad():
        features = model(torch.zeros((1, 3, size[1], size[0])))
        if isinstance(features, torch.Tensor):
            features = {'0': features}
        channels = [x.size(1) for x in features.values()]
    if training:
        model.train()
    return channels


class DefaultBoxGenerator(nn.Module):
    def __init__(self, aspect_ratios, min_ratio=0.15, max_ratio=0.9, scales=None, steps=None, clip=True):
        super().__init__()
        if steps is not None and len(aspect_ratios) != len(steps):
            raise ValueError('aspect_ratios and steps should have the same length')
        self.aspect_ratios = aspect_ratios
        self.steps = steps
        self.clip = clip
        outputs = len(aspect_ratios)
        if scales is None:
            step = (max_ratio - min_ratio) / (outputs - 1.0) if outputs > 1 else 0.0
            scales = [min_ratio + step * k for k in range(outputs)] + [1.0] if outputs > 1 else [min_ratio, max_ratio]
        self.scales = scales

    def num_anchors_per_location(self):
        return [2 + 2 * len(ratios) for ratios in self.aspect_ratios]

    def forward(self, image_list, feature_maps):
        _boxes('DefaultBoxGenerator')


class GeneralizedRCNNTransform(nn.Module):
    def __init__(self, min_size, max_size, image_mean, image_std, size_divisible=32, fixed_size=None, **kwargs):
        super().__init__()
        self.min_size = min_size if isinstance(min_size, (list, tuple)) else (min_size,)
        self.max_size = max_size
        self.image_mean = image_mean
        self.image_std = image_std
        self.size_divisible = size_divisible
        self.fixed_size = fixed_size
        self._skip_resize = kwargs.pop('_skip_resize', False)

    def forward(self, images, targets=None):
        _boxes('GeneralizedRCNNTransform')
