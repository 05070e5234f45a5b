# torchvision.transforms.functional: what networks do to image tensors.


def get_dimensions(img):
    return [1 if img.ndim == 2 else img.shape[-3], img.shape[-2], img.shape[-1]]


def get_image_num_channels(img):
    return get_dimensions(img)[0]


def get_image_size(img):
    return [img.shape[-1], img.shape[-2]]


def _blend(a, b, ratio):
    bound = 1.0 if a.is_floating_point() else 255.0
    return (ratio * a + (1.0 - ratio) * b).clamp(0, bound).to(a.dtype)


def rgb_to_grayscale(img, num_output_channels=1):
    if num_output_channels not in (1, 3):
        raise ValueError('num_output_channels should be either 1 or 3')
    channels = get_dimensions(img)[0]
    if channels not in (1, 3):
        raise TypeError(f'Input image tensor permitted channel values are [1, 3], but found {channels}')
    if channels == 3:
        r, g, b = img.unbind(dim=-3)
        grey = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(dim=-3)
    else:
        grey = img
    return grey.expand(img.shape) if num_output_channels == 3 else grey.clone()


def to_grayscale(img, num_output_channels=1):
    return rgb_to_grayscale(img, num_output_channels)


def adjust_brightness(img, brightness_factor):
    return _blend(img, torch.zeros_like(img), brightness_factor)


def adjust_contrast(img, contrast_factor):
    grey = rgb_to_grayscale(img) if get_dimensions(img)[0] == 3 else img
    return _blend(img, torch.mean(grey.float(), dim=(-3, -2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img, saturation_factor):
    return img if get_dimensions(img)[0] == 1 else _blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_gamma(img, gamma, gain=1):
    if gamma < 0:
        raise ValueError('Gamma should be a non-negative real number')
    return (gain * img ** gamma).clamp(0, 1)


def adjust_sharpness(img, sharpness_factor):
    if sharpness_factor < 0:
        raise ValueError(f'sharpness_factor ({sharpness_factor}) is not non-negative.')
    if img.shape[-1] <= 2 or img.shape[-2] <= 2:
        return img
    channels = img.shape[-3]
    kernel = torch.ones(3, 3, dtype=img.dtype)
    kernel[1, 1] = 5.0
    kernel = (kernel / kernel.sum()).expand(channels, 1, 3, 3)
    blurred = img.clone()
    blurred[..., 1:-1, 1:-1] = F.conv2d(img, kernel, groups=channels)
    return _blend(img, blurred, sharpness_factor)


def autocontrast(img):
    bound = 1.0 if img.is_floating_point() else 255.0
    low = img.amin(dim=(-2, -1), keepdim=True)
    high = img.amax(dim=(-2, -1), keepdim=True)
    flat = high == low
    scale = torch.where(flat, torch.ones_like(high), bound / torch.where(flat, torch.ones_like(high), high - low))
    low = torch.where(flat, torch.zeros_like(low), low)
    return ((img - low) * scale).clamp(0, bound).to(img.dtype)


def invert(img):
    return (1.0 if img.is_floating_point() else 255) - img


def solarize(img, threshold):
    return torch.where(img >= threshold, invert(img), img)


def convert_image_dtype(image, dtype=None):
    dtype = torch.float32 if dtype is None else dtype
    if image.dtype == dtype:
        return image
    if not image.is_floating_point() and dtype.is_floating_point:
        return image.to(dtype) / torch.iinfo(image.dtype).max
    if image.is_floating_point() and dtype.is_floating_point:
        return image.to(dtype)
    _unsupported('unsupported', 'convert_image_dtype to integers')


def hflip(img):
    return img.flip(-1)


def vflip(img):
    return img.flip(-2)


def crop(img, top, left, height, width):
    h, w = img.shape[-2:]
    right, bottom = left + width, top + height
    if left < 0 or top < 0 or right > w or bottom > h:
        cut = img[..., max(top, 0):bottom, max(left, 0):right]
        return F.pad(cut, [max(min(right, 0) - left, 0), max(right - max(w, left), 0),
                           max(min(bottom, 0) - top, 0), max(bottom - max(h, top), 0)])
    return img[..., top:bottom, left:right]


def _size(size):
    if isinstance(size, int):
        return size, size
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


def center_crop(img, output_size):
    height, width = _size(output_size)
    h, w = img.shape[-2:]
    if width > w or height > h:
        img = F.pad(img, [(width - w) // 2 if width > w else 0, (width - w + 1) // 2 if width > w else 0,
                          (height - h) // 2 if height > h else 0, (height - h + 1) // 2 if height > h else 0])
        h, w = img.shape[-2:]
        if width == w and height == h:
            return img
    return crop(img, int(round((h - height) / 2.0)), int(round((w - width) / 2.0)), height, width)


def five_crop(img, size):
    height, width = _size(size)
    h, w = img.shape[-2:]
    if width > w or height > h:
        raise ValueError(f'Requested crop size {(height, width)} is bigger than input size {(h, w)}')
    return (crop(img, 0, 0, height, width), crop(img, 0, w - width, height, width),
            crop(img, h - height, 0, height, width), crop(img, h - height, w - width, height, width),
            center_crop(img, [height, width]))


def normalize(tensor, mean, std, inplace=False):
    if tensor.ndim < 3:
        raise ValueError(f'Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}')
    mean = torch.as_tensor(mean, dtype=tensor.dtype).view(-1, 1, 1)
    std = torch.as_tensor(std, dtype=tensor.dtype).view(-1, 1, 1)
    return (tensor - mean) / std


def pad(img, padding, fill=0, padding_mode='constant'):
    p = [padding] if isinstance(padding, int) else list(padding)
    left, top, right, bottom = p * 4 if len(p) == 1 else (p * 2 if len(p) == 2 else p)
    mode = {'edge': 'replicate'}.get(padding_mode, padding_mode)
    return F.pad(img, [left, right, top, bottom], mode=mode, value=float(fill) if mode == 'constant' else None)


def resize(img, size, interpolation='bilinear', max_size=None, antialias=True):
    h, w = img.shape[-2:]
    if isinstance(size, int) or len(size) == 1:
        short = size if isinstance(size, int) else size[0]
        new = (short, int(short * w / h)) if h <= w else (int(short * h / w), short)
    else:
        new = tuple(size)
    if new == (h, w):
        return img
    mode = getattr(interpolation, 'value', interpolation)
    smooth = mode in ('bilinear', 'bicubic')
    if smooth and antialias and (new[0] < h or new[1] < w):
        _unsupported('unsupported', 'resizing with antialias=True')
    batched = img if img.ndim == 4 else img.unsqueeze(0)
    out = F.interpolate(batched, size=list(new), mode=mode, align_corners=False if smooth else None)
    return out if img.ndim == 4 else out.squeeze(0)


class _Image(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.args = args
        self.kwargs = kwargs


class Normalize(nn.Module):
    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, tensor):
        return normalize(tensor, self.mean, self.std)


class Resize(_Image):
    def forward(self, img):
        return resize(img, *self.args, **self.kwargs)


class CenterCrop(_Image):
    def forward(self, img):
        return center_crop(img, *self.args, **self.kwargs)


class Pad(_Image):
    def forward(self, img):
        return pad(img, *self.args, **self.kwargs)


class Grayscale(_Image):
    def forward(self, img):
        return rgb_to_grayscale(img, *self.args, **self.kwargs)


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for t in self.transforms:
            img = t(img)
        return img
