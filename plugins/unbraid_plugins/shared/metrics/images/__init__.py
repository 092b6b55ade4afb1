"""Similarity of images, one by one (PSNR, SSIM) and as sets (FID, KID)."""
