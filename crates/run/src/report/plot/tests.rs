use super::super::well_formed::check;
use super::*;

fn plot(log_y: bool, points: Vec<(f64, f64)>) -> LinePlot {
    LinePlot {
        title: "Loss".into(),
        x_label: "step".into(),
        y_label: "mean squared difference".into(),
        log_y,
        series: vec![Series::new("pixel", points)],
    }
}

/// The numbers of every curve's path, in pairs.
fn drawn_points(svg: &str) -> Vec<(f64, f64)> {
    let paths = svg.split("<path class=\"s0\"").skip(2);
    let data = paths.map(|p| p.split(" d=\"M").nth(1).unwrap().split('"').next().unwrap());
    data.flat_map(|d| d.trim_end_matches("h0").split('L'))
        .map(|p| p.split_once(' ').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
        .collect()
}

#[test]
fn points_land_where_the_axes_say() {
    // x from 0 to 10 over the width; y one decade each, so equal steps down.
    let svg = plot(true, vec![(0.0, 100.0), (5.0, 10.0), (10.0, 1.0)]).to_svg();
    let points = drawn_points(&svg);
    assert_eq!(points.iter().map(|p| p.0).collect::<Vec<_>>(), [66.0, 300.0, 534.0]);
    let (first, second) = (points[1].1 - points[0].1, points[2].1 - points[1].1);
    assert!(first > 0.0 && (first - second).abs() <= 0.11, "{points:?}");
}

#[test]
fn nothing_that_is_not_a_number_is_drawn_or_written_as_a_place() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, f64::MAX, 5e-324, 1.0];
    for log_y in [false, true] {
        for &a in &odd {
            for &b in &odd {
                let plot = plot(log_y, vec![(0.0, a), (b, 1.0), (2.0, b), (3.0, a)]);
                let svg = plot.to_svg();
                check(&svg);
                for attribute in [" d=\"", " cx=\"", " cy=\"", " y=\"", " x=\""] {
                    for rest in svg.split(attribute).skip(1) {
                        let value = rest.split('"').next().unwrap();
                        assert!(
                            !value.contains("NaN") && !value.contains("inf"),
                            "{a} {b}: {value}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_drawn_is_counted_and_breaks_the_line() {
    let points = vec![(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 0.0), (4.0, 3.0)];
    assert_eq!(plot(true, points.clone()).left_out(), 2);
    assert_eq!(plot(false, points.clone()).left_out(), 1);
    let svg = plot(true, points).to_svg();
    assert_eq!(drawn_points(&svg).len(), 3);
    // The legend's mark, a line of two points and a lone dot.
    assert_eq!(svg.matches("<path class=\"s0\"").count(), 3);
    assert_eq!(svg.matches("h0\"").count(), 1);
}

#[test]
fn empty_plots_say_so() {
    for series in [vec![], vec![Series::default()], vec![Series::new("a", vec![(f64::NAN, 1.0)])]] {
        for log_y in [false, true] {
            let svg = LinePlot { log_y, series: series.clone(), ..LinePlot::default() }.to_svg();
            check(&svg);
            assert!(svg.contains("nothing to draw"));
        }
    }
}

#[test]
fn long_curves_are_thinned_however_broken() {
    let smooth: Vec<(f64, f64)> =
        (0..50_000).map(|i| (f64::from(i), f64::from(i % 97) + 1.0)).collect();
    let mut broken = smooth.clone();
    broken.iter_mut().step_by(2).for_each(|p| p.1 = f64::NAN);
    for points in [smooth, broken] {
        let svg = plot(true, points).to_svg();
        assert!(drawn_points(&svg).len() <= 1000);
        assert!(svg.len() < 60_000, "{}", svg.len());
    }
}

#[test]
fn values_are_told_under_the_pointer() {
    let svg = plot(false, vec![(0.0, 1.0), (120.0, 0.0123456)]).to_svg();
    assert!(svg.contains("<title>pixel step 120: 0.01235</title>"), "{svg}");
}

#[test]
fn hostile_names_stay_text_and_long_legends_wrap() {
    let name = "</svg><script>alert(1)</script>";
    let series: Vec<Series> =
        (0..20).map(|k| Series::new(format!("{name} {k}"), vec![(0.0, 1.0), (1.0, 2.0)])).collect();
    let plot = LinePlot {
        title: name.into(),
        x_label: name.into(),
        y_label: name.into(),
        log_y: true,
        series,
    };
    let svg = plot.to_svg();
    check(&svg);
    assert!(!svg.contains("<script"));
    assert_eq!(svg, plot.to_svg());
}
