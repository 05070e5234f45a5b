# torch.ops.torchvision: compiled operators by their low-level signatures.


def deform_conv2d(input, weight, offset, mask, bias, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, n_weight_grps,
                  n_offset_grps, use_mask):
    from torchvision.ops import deform_conv2d as high_level
    return high_level(input, offset, weight, bias, (stride_h, stride_w), (pad_h, pad_w), (dil_h, dil_w),
                      mask if use_mask else None)
